import { shallowRef } from 'vue';
import type { Router } from 'vue-router';

/** Address of a page whose code could not be had; undefined: there is none. */
export const missingPage = shallowRef<string>();

const RELOADED_KEY = 'lodestream:reloaded-at';
/** Another reload so soon after the last one would not help either. */
const RELOAD_AGAIN_MS = 30_000;

/**
 * The code of pages comes when it is needed. Where it cannot be had, because a newer release has replaced it or the network was away, the
 * whole page is loaded anew, once; if that did not help, the visitor is told. Before the app runs, public/start-again.js does the like.
 */
export function watchForMissingPages(router: Router): void {
  router.onError((_error, to) => {
    if (mayReload()) loadAnew(to.fullPath);
    else missingPage.value = to.fullPath;
  });
  router.afterEach(() => {
    missingPage.value = undefined;
  });
}

export function loadMissingPage(): void {
  if (missingPage.value !== undefined) loadAnew(missingPage.value);
}

/** Not `location.assign`: to an address that differs in its fragment alone that loads nothing. */
function loadAnew(path: string): void {
  if (path !== location.pathname + location.search + location.hash) history.pushState(null, '', path);
  location.reload();
}

/** Where nothing can be remembered (private mode) it may not: it could go on for ever. */
function mayReload(): boolean {
  try {
    const now = Date.now();
    const last = Number(sessionStorage.getItem(RELOADED_KEY));
    if (now - last < RELOAD_AGAIN_MS) return false;
    sessionStorage.setItem(RELOADED_KEY, String(now));
    return true;
  } catch {
    return false;
  }
}
