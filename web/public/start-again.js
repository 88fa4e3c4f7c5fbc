/*
 * While a server is updated, this page can come from one release, and the answer for its code from another, which has not got it; or
 * the viewer's network changes in between: a blank page. So it is loaded anew, a few times. Not built, and no module: it must not need
 * what may be missing. (Once the app runs, src/missing-page.ts does this for the code of its pages.)
 */
(() => {
  const KEY = 'lodestream:starts';
  const MAX_STARTS = 5;
  /** Of more than that in this time none would help. */
  const WITHIN_MS = 30_000;
  const PAUSE_MS = 1000;
  let isHandled = false;

  addEventListener('error', ({ target }) => isCode(target) && !isShown() && startAgain(), true);

  function isCode(target) {
    return target instanceof HTMLScriptElement || (target instanceof HTMLLinkElement && target.rel === 'stylesheet');
  }

  /** From then on the app itself says what is missing. */
  function isShown() {
    return (document.getElementById('app')?.childElementCount ?? 0) > 0;
  }

  function startAgain() {
    if (isHandled) return;
    isHandled = true;
    if (mayStart()) setTimeout(() => location.reload(), PAUSE_MS);
    else addEventListener('load', tell);
  }

  function tell() {
    const words = document.createElement('p');
    words.textContent = 'Lodestream could not be loaded. Load this page again in a minute.';
    words.style.margin = '2rem';
    document.body.append(words);
  }

  /** Where nothing can be remembered (private mode) it may not: it could go on for ever. */
  function mayStart() {
    try {
      const now = Date.now();
      const starts = JSON.parse(sessionStorage.getItem(KEY) ?? '[]').filter((at) => now - at < WITHIN_MS);
      sessionStorage.setItem(KEY, JSON.stringify([...starts, now]));
      return starts.length < MAX_STARTS;
    } catch {
      return false;
    }
  }
})();
