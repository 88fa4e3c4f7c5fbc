import { parseInfoHash } from '@lodestream/shared';
import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router';
import { watchForMissingPages } from './missing-page.ts';
import HomePage from './pages/HomePage.vue';
import NotFoundPage from './pages/NotFoundPage.vue';
import { loadTorrentPage, loadWatchPage } from './preload-pages.ts';

/** A file index of more digits than any torrent has files is a mistyped address. */
const FILE_INDEX = '(\\d{1,6})';
const INFO_HASH = '([0-9a-fA-F]{40}|[a-zA-Z2-7]{32})';

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: '/', name: 'home', component: HomePage, meta: { title: 'Lodestream' } },
    {
      path: `/t/:infoHash${INFO_HASH}`,
      name: 'torrent',
      component: loadTorrentPage,
      props: torrentProps,
    },
    {
      path: `/t/:infoHash${INFO_HASH}/f/:fileIndex${FILE_INDEX}`,
      name: 'watch',
      component: loadWatchPage,
      props: (to) => ({ ...torrentProps(to), fileIndex: Number(to.params.fileIndex) }),
    },
    { path: '/:rest(.*)*', name: 'not-found', component: NotFoundPage, meta: { title: 'Nothing here · Lodestream' } },
  ],
});

router.afterEach((to) => {
  if (typeof to.meta.title === 'string') document.title = to.meta.title;
});

watchForMissingPages(router);

function torrentProps(to: RouteLocationNormalized) {
  return { infoHash: parseInfoHash(String(to.params.infoHash)) };
}
