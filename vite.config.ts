import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: resolve(import.meta.dirname, 'src/console'),
  base: '/',
  plugins: [react()],
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': 'http://127.0.0.1:8080',
      '/docs': 'http://127.0.0.1:8080',
      '/openapi.json': 'http://127.0.0.1:8080',
    },
  },
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    // The content security policy allows no inlined scripts, and the icon is cached well enough as a file.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'charts', test: /node_modules\/(echarts|zrender)\// },
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler|@tanstack|i18next|react-i18next)\// },
            { name: 'antd', test: /node_modules\/(antd|@ant-design|@rc-component|rc-[^/]+|@emotion|dayjs)\// },
          ],
        },
      },
    },
  },
  // The tests are the repository's, not the console's: without this Vitest would look for them below `root`.
  test: { root: import.meta.dirname },
});
