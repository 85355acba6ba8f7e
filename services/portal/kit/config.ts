// Vite's and Vitest's settings of every app: its address is that of its service.toml.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import vue from '@vitejs/plugin-vue'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

type Plugin = NonNullable<NonNullable<ViteUserConfig['plugins']>[number]>

/** The settings of the app whose vite.config.ts has the address `config`. */
export function appConfig(config: string): ViteUserConfig {
  const folder = path.dirname(fileURLToPath(config))
  const root = path.resolve(folder, '../..')
  const kit = path.join(root, 'services/portal/kit')
  const found = /^path = "(.+)"$/m.exec(readFileSync(path.join(folder, 'service.toml'), 'utf8'))
  if (!found) throw new Error(`${folder}/service.toml names no path.`)
  return defineConfig({
    root: folder,
    base: `${found[1]}/`,
    publicDir: false,
    plugins: [vue(), portalFonts(), compressed()],
    resolve: { alias: { '@kit': kit } },
    server: { fs: { allow: [root] } },
    build: { target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false }, emptyOutDir: true },
    test: {
      environment: 'happy-dom',
      include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
      // One worker for all files: 0.6 s less from a save to its result. What a test replaces is put back after it.
      pool: 'threads',
      isolate: false,
      unstubGlobals: true,
      restoreMocks: true,
    },
  })
}

/** The portal serves its style sheet beside the fonts; in the checkout these are one folder below. */
function portalFonts(): Plugin {
  return {
    name: 'portal-fonts',
    enforce: 'pre',
    transform(code: string, id: string) {
      if (!/gatehouse_portal\/shell\/\w+\.css/.test(id)) return null
      return { code: code.replace(/url\("(?!data:|\.|\/)/g, 'url("./static/'), map: null }
    },
  } as Plugin
}

/** A copy by brotli and one by gzip beside each text. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    writeBundle(options: { dir?: string }, bundle: Record<string, { code?: string; source?: string | Uint8Array }>) {
      for (const [name, file] of Object.entries(bundle)) {
        if (!/\.(js|css|html|svg|json)$/.test(name)) continue
        const data = Buffer.from(file.code ?? file.source ?? '')
        const written = path.join(options.dir ?? '', name)
        writeFileSync(`${written}.br`, brotliCompressSync(data))
        writeFileSync(`${written}.gz`, gzipSync(data, { level: 9 }))
      }
    },
  } as Plugin
}
