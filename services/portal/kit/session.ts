// Who uses the app. The browser holds a session cookie that scripts can't read, and no token of any service.
import { inject, type InjectionKey } from 'vue'

export interface NavigationItem {
  name: string
  path: string
  about: string
  current: '' | 'page' | 'true'
}

export interface Session {
  account_id: string
  person_id: string | null
  name: string
  roles: string[]
  /** What a request that changes something sends as X-CSRF-Token. */
  csrf: string
  theme: 'auto' | 'light' | 'dark'
  environment: string
  navigation: NavigationItem[]
}

export const SESSION: InjectionKey<Session> = Symbol('session')

let current: Session | null = null

/** The session; null while the browser is on its way to the sign-in page, which leads back here. */
export async function readSession(): Promise<Session | null> {
  const answer = await fetch(`/bff/session?at=${encodeURIComponent(location.pathname)}`)
  if (answer.status === 401) {
    goToSignIn()
    return null
  }
  if (!answer.ok) throw new Error(`The portal answered ${answer.status}. Try again in a moment.`)
  current = (await answer.json()) as Session
  return current
}

export function goToSignIn(): void {
  location.assign(`/sign-in?then=${encodeURIComponent(location.pathname + location.search)}`)
}

/** The CSRF token of the session that was read last; empty before. */
export function csrfToken(): string {
  return current?.csrf ?? ''
}

/** The session, in a component. */
export function useSession(): Session {
  const session = inject(SESSION)
  if (!session) throw new Error('No session: mount the app with mountApp().')
  return session
}
