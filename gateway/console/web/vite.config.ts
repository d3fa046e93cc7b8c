import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { compressed } from './plugins/compressed';
import { examples } from './plugins/examples';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const STATIC = here('../static');

export default defineConfig({
  base: './',
  plugins: [examples({ queries: here('../../../queries'), listed: here('../../../queries/examples.json') }), compressed(STATIC)],
  esbuild: { jsx: 'automatic', legalComments: 'none' },
  experimental: {
    // The page is at /graphql and its files below /graphql/console/, under whatever prefix a proxy puts both.
    renderBuiltUrl: (file, { hostType }) => (hostType === 'html' ? `graphql/console/${file}` : { relative: true }),
  },
  worker: { format: 'es' },
  build: {
    outDir: STATIC,
    emptyOutDir: true,
    assetsDir: '.',
    assetsInlineLimit: 0,
    target: 'es2022',
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 6_000,
    reportCompressedSize: false,
  },
});
