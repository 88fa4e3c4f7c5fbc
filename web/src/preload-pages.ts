/** Pages as the router loads them; a page that is there already is not loaded again. */
export const loadTorrentPage = () => import('./pages/TorrentPage.vue');
export const loadWatchPage = () => import('./pages/WatchPage.vue');

/** Loads what a viewer sees next while he still looks at something else. What fails is loaded when it is needed. */
export async function preloadPages(): Promise<void> {
  await Promise.allSettled([loadTorrentPage(), loadWatchPage()]);
}
