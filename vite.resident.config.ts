import { resolve } from 'node:path';
import { defineConfig } from 'vite';

const view = resolve(import.meta.dirname, 'src/resident/view/react.ts');

/** The residents' page. A build of its own, so that nothing of the operators' console can come into it; after the console's, which empties the folder. */
export default defineConfig({
  root: resolve(import.meta.dirname, 'src/resident'),
  base: '/my/',
  // React's own client alone would be 68 KB of the 80 that a page on a telephone may have.
  resolve: { alias: [{ find: /^react(-dom\/client|\/jsx-runtime|\/jsx-dev-runtime)?$/, replacement: view }] },
  server: { host: '127.0.0.1', proxy: { '/api': 'http://127.0.0.1:8080' } },
  build: { outDir: '../../dist/console/my', emptyOutDir: true, assetsInlineLimit: 0 },
});
