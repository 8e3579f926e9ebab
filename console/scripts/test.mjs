// Runs the unit tests: every src/**/*.test.ts(x), bundled for Node.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const entries = (await readdir(path.join(root, 'src'), { recursive: true }))
  .filter((name) => /\.test\.tsx?$/.test(name))
  .map((name) => path.join(root, 'src', name));
// Inside the folder, so that packages are found.
const out = await mkdtemp(path.join(root, 'node_modules/.tests-'));
try {
  await build({
    entryPoints: entries,
    outdir: out,
    outbase: path.join(root, 'src'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node18',
    jsx: 'automatic',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  const files = entries.map((file) => path.join(out, path.relative(path.join(root, 'src'), file)));
  const bundled = files.map((file) => file.replace(/\.tsx?$/, '.mjs'));
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...bundled], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  await rm(out, { recursive: true, force: true });
}
