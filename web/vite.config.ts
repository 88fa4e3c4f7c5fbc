import tailwindcss from '@tailwindcss/vite';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

/** Where `vite dev` sends the API: a gateway, or the fixture server of `web/test`. */
const DEV_API_ORIGIN = 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [vue(), tailwindcss()],
  build: {
    target: 'es2022',
    // The content security policy has no `data:` for scripts and fonts: nothing may be inlined.
    assetsInlineLimit: 0,
    // The polyfill is an inline-style helper for old browsers that cannot run the player anyway.
    modulePreload: { polyfill: false },
    // hls.js is one lazy chunk of its own, a little above the default limit of the warning.
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // zod is set up before the first schema is built (src/api/zod-settings.ts): only inside one chunk is that order sure.
          groups: [{ name: 'contract', test: /[\\/]zod[\\/]|packages[\\/]shared|zod-settings/ }],
        },
      },
    },
  },
  server: { host: '127.0.0.1', proxy: { '/api': DEV_API_ORIGIN } },
});
