// Serves one app with hot reload, for `./local/up`: Vite on the socket that the runner holds, with a strict policy that
// lets Vite's own styles in by a nonce. Answers what the runner, the edge and the Admin page ask every service.
import { randomBytes } from 'node:crypto'
import http from 'node:http'
import path from 'node:path'
import { createServer } from 'vite'

const folder = path.resolve(process.argv[2])
const service = path.basename(folder)
const port = Number(process.env.GATEHOUSE_PORT)
const nonce = randomBytes(16).toString('base64')
const started = new Date().toISOString()
const build = { version: process.env.GATEHOUSE_VERSION ?? 'local', commit: process.env.GATEHOUSE_COMMIT ?? '' }

const server = http.createServer()
const vite = await createServer({
  root: folder,
  configFile: path.join(folder, 'vite.config.ts'),
  clearScreen: false,
  html: { cspNonce: nonce },
  // Changes are told on the app's own port, so that no proxy need pass on the connection.
  server: { middlewareMode: true, hmr: { server, protocol: 'ws', host: '127.0.0.1', clientPort: port } },
})

const headers = {
  'Content-Security-Policy': [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ws://127.0.0.1:${port}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
}
const answers = {
  '/health/live': { status: 'alive' },
  '/health/ready': { ready: true, checks: { process: 'ok' } },
  '/metrics': '',
  '/version': { service, ...build, started_at: started, collections: [] },
}

server.on('request', (request, response) => {
  const answer = answers[request.url]
  if (answer !== undefined) {
    const text = typeof answer === 'string'
    response.writeHead(200, { 'Content-Type': text ? 'text/plain' : 'application/json' })
    response.end(text ? answer : JSON.stringify(answer))
    return
  }
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  vite.middlewares(request, response)
})

const inherited = process.env.GATEHOUSE_LISTEN_FD
server.listen(inherited ? { fd: Number(inherited) } : { port, host: process.env.GATEHOUSE_HOST ?? '127.0.0.1' }, () => {
  console.log(`${service} is served with hot reload`)
})

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, async () => {
    server.closeAllConnections()
    await vite.close()
    process.exit(0)
  })
}
