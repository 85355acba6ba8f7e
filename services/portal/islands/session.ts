// Requests to services through the portal (/bff), and signing in again without leaving the page.

export interface Answer {
  status: number
  body: Record<string, unknown>
}

/** Status of an answer that never came. */
export const UNREACHED = 0
const SECONDS = 15
const LOOK_MS = 1500
/** Every page of somebody who is signed in says so here (shell/static/portal.js). */
const SIGNED_IN = 'gatehouse-signed-in'

let underWay = new AbortController()
// What was sent before the network went may never be answered, and the next one waits for it.
addEventListener('online', () => {
  underWay.abort()
  underWay = new AbortController()
})

let csrf: Promise<string> | null = null
let signingIn: Promise<void> | null = null

async function session(): Promise<{ account_id: string; csrf: string } | null> {
  const answer = await fetch('/bff/session', { headers: { Accept: 'application/json' }, cache: 'no-store' })
  return answer.ok ? await answer.json() : null
}

async function token(): Promise<string> {
  csrf ??= session().then((found) => found?.csrf ?? '')
  const known = await csrf.catch(() => '')
  if (!known) csrf = null
  return known
}

/** Never throws. A token of a session that has ended meanwhile is asked for once more. */
export async function send(method: string, address: string, body?: unknown, version?: number): Promise<Answer> {
  for (const last of [false, true]) {
    const answer = await attempt(method, address, body, version)
    if (answer.status !== 403 || last) return answer
    csrf = null
  }
  return { status: UNREACHED, body: {} }
}

async function attempt(method: string, address: string, body?: unknown, version?: number): Promise<Answer> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (version !== undefined) headers['If-Match'] = `"${version}"`
  try {
    if (method !== 'GET') headers['X-CSRF-Token'] = await token()
    const signal = AbortSignal.any([AbortSignal.timeout(SECONDS * 1000), underWay.signal])
    const sent = body === undefined ? null : JSON.stringify(body)
    const answer = await fetch(`/bff${address}`, { method, headers, body: sent, cache: 'no-store', signal })
    const text = await answer.text()
    return { status: answer.status, body: text ? JSON.parse(text) : {} }
  } catch {
    return { status: UNREACHED, body: {} }
  }
}

/**
 * Shows the dialog until the same person is signed in again. It lies beside the text and takes no focus: whoever is
 * typing goes on typing.
 */
export function signInAgain(account: string): Promise<void> {
  csrf = null
  signingIn ??= askToSignIn(account).finally(() => (signingIn = null))
  return signingIn
}

async function askToSignIn(account: string): Promise<void> {
  const dialog = document.createElement('dialog')
  dialog.className = 'ask beside'
  dialog.setAttribute('aria-labelledby', 'sign-in-again')
  dialog.setAttribute('role', 'alertdialog')
  dialog.innerHTML =
    '<h2 id="sign-in-again">Sign in again</h2><p>Your session has ended. What you wrote is kept on this device, and is ' +
    'saved as soon as you are back.</p><p role="status" data-said></p><div class="row">' +
    '<a class="button main" target="_blank" href="/sign-in?then=/signed-in">Sign in in a new tab</a></div>'
  document.body.append(dialog)
  dialog.setAttribute('open', '')
  const said = dialog.querySelector('[data-said]') as HTMLElement
  const channel = new BroadcastChannel(SIGNED_IN)
  try {
    for (;;) {
      const found = await session().catch(() => null)
      if (found?.account_id === account) {
        csrf = Promise.resolve(found.csrf)
        return
      }
      said.textContent = found ? 'You are signed in as somebody else. Sign in as the person who wrote this.' : ''
      await signedInOrLater(channel)
    }
  } finally {
    channel.close()
    dialog.remove()
  }
}

/** Resolves when another page says that somebody is signed in, when this one is looked at again, or after a while. */
function signedInOrLater(channel: BroadcastChannel): Promise<void> {
  return new Promise((resolve) => {
    const heard = new AbortController()
    const done = () => {
      clearTimeout(timer)
      heard.abort()
      resolve()
    }
    const timer = setTimeout(done, LOOK_MS)
    channel.addEventListener('message', done, { signal: heard.signal })
    addEventListener('focus', done, { signal: heard.signal })
    document.addEventListener('visibilitychange', done, { signal: heard.signal })
  })
}
