import { defineConfig } from 'vitest/config';

// Not what the compiler left in bin/.
export default defineConfig({ test: { include: ['test/**/*.test.ts'] } });
