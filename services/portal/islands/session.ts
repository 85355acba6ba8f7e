// Requests to services through the portal (/bff), and signing in again without leaving the page.

export interface Answer {
  status: number
  body: Record<string, unknown>
}

/** Status of an answer that never came. */
export const UNREACHED = 0
const SECONDS = 15
const LOOK_MS = 1500

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
    const signal = AbortSignal.timeout(SECONDS * 1000)
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
  signingIn ??= askToSignIn(account).finally(() => {
    signingIn = null
    csrf = null
  })
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
  try {
    for (;;) {
      const found = await session().catch(() => null)
      if (found?.account_id === account) return
      said.textContent = found ? 'You are signed in as somebody else. Sign in as the person who wrote this.' : ''
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  } finally {
    dialog.remove()
  }
}
