// Builds dist/: hashed assets with a brotli and a gzip copy of each, and the page that names them.
// `--watch` builds anew on changes, without compressing.
import { build, context } from 'esbuild';
import { mkdir, readFile, rm, writeFile, readdir } from 'node:fs/promises';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, 'dist');
const watch = process.argv.includes('--watch');
/** Smaller files gain nothing. */
const COMPRESSED_FROM = 512;

/** The style sheets that the modules import. */
const sheets = new Set();
const fonts = { '.woff2': 'file' };

/** One style sheet for all pages: esbuild would repeat the shared ones for each page, and load none of them. */
async function style() {
  const isBase = (file) => file.includes('global-styles');
  const ordered = [...sheets].sort((one, other) => isBase(other) - isBase(one) || one.localeCompare(other));
  const { metafile } = await build({
    absWorkingDir: root,
    stdin: {
      contents: ordered.map((file) => `@import ${JSON.stringify(file)};`).join('\n'),
      loader: 'css',
      resolveDir: root,
    },
    outdir: dist,
    entryNames: 'assets/style-[hash]',
    assetNames: 'assets/[name]-[hash]',
    bundle: true,
    minify: !watch,
    metafile: true,
    loader: fonts,
  });
  return Object.keys(metafile.outputs).find((file) => file.endsWith('.css'));
}

async function finish(metafile) {
  const page = await readFile(path.join(root, 'index.html'), 'utf8');
  const script = Object.keys(metafile.outputs).find((file) => metafile.outputs[file].entryPoint === 'src/main.tsx');
  const sheet = await style();
  const address = (file) => `/console/${path.relative(dist, path.resolve(root, file)).replaceAll(path.sep, '/')}`;
  await writeFile(
    path.join(dist, 'index.html'),
    page.replace('{{script}}', address(script)).replace('{{style}}', address(sheet)),
  );
  if (watch) return;
  for (const name of await readdir(path.join(dist, 'assets'))) {
    const file = path.join(dist, 'assets', name);
    const content = await readFile(file);
    if (content.length < COMPRESSED_FROM || !/\.(js|css|svg)$/.test(name)) continue;
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length, [constants.BROTLI_PARAM_QUALITY]: 10 };
    await writeFile(`${file}.br`, brotliCompressSync(content, { params }));
    await writeFile(`${file}.gz`, gzipSync(content, { level: 9 }));
  }
}

await rm(dist, { recursive: true, force: true });
await mkdir(path.join(dist, 'assets'), { recursive: true });
const building = await context({
  absWorkingDir: root,
  entryPoints: ['src/main.tsx'],
  outdir: dist,
  entryNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  assetNames: 'assets/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  minify: !watch,
  sourcemap: watch,
  metafile: true,
  legalComments: 'linked',
  define: { 'process.env.NODE_ENV': JSON.stringify(watch ? 'development' : 'production') },
  plugins: [
    {
      name: 'styles',
      setup: (building) =>
        building.onLoad({ filter: /\.css$/ }, ({ path: file }) => {
          sheets.add(file);
          return { contents: '', loader: 'js' };
        }),
    },
    {
      name: 'page',
      setup: (building) => building.onEnd((result) => (result.errors.length ? undefined : finish(result.metafile))),
    },
  ],
});
if (watch) {
  await building.watch();
} else {
  await building.rebuild();
  await building.dispose();
}
