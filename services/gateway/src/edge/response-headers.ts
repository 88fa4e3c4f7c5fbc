/** Headers of every answer (security.md §10.4). */
export const BASE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-robots-tag': 'noindex, nofollow, noarchive',
} as const;

/** Of the pages of the web app. `blob:` is the object URL of Media Source Extensions; nothing is loaded from elsewhere. */
export const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy':
    'camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=(), midi=(), display-capture=(), browsing-topics=(), autoplay=(self), fullscreen=(self), picture-in-picture=(self), screen-wake-lock=(self)',
} as const;

/** Of a torrent's own files: whatever they claim to be, they never run on our origin. */
export const CONTENT_HEADERS = { 'content-security-policy': "sandbox; default-src 'none'" } as const;

/** `attachment` with a name that any header may carry (RFC 6266, RFC 8187). */
export function contentDisposition(name: string): string {
  const whole = name.toWellFormed();
  const ascii = whole.replaceAll(/[^\x20-\x7e]/g, '_').replaceAll(/["\\]/g, '_');
  const encoded = encodeURIComponent(whole).replaceAll(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
