import { env } from 'node:process';
import { defineConfig, type ProxyOptions } from 'vite';

// The key is added here, on the way: what is in the page, everybody can read.
const gateway: ProxyOptions = {
  target: env['HIGHLIGHTS_URL'] ?? 'http://127.0.0.1:8000',
  headers: env['HIGHLIGHTS_KEY'] ? { authorization: `Bearer ${env['HIGHLIGHTS_KEY']}` } : {},
};
const proxy = { '/graphql': gateway, '/media': gateway };

export default defineConfig({
  base: './',
  server: { proxy },
  preview: { proxy },
  build: { target: 'es2022', modulePreload: { polyfill: false } },
});
