// The island of a plan that two have open at once: its texts are written together, and things move by dragging.
//
//   <section data-plan="/members/…"> <p data-plan-people> <p data-plan-state> <textarea data-shared="goals"> … </section>
//
// The texts are one Yjs document. Each change is on this device until the server says that it has it, so what is
// written offline, or in a tab that is closed then, is sent when the page is open again. What is moved is a command of
// its own (moves.ts). Without this script each text is a form, and things move by the buttons of their menu.

import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'
import * as decoding from 'lib0/decoding'
import { beginMoves } from './moves'
import { signInAgain } from './session'
import { SharedField, LOCAL, type Caret } from './shared_field'
import { forget, keep, waiting } from './store'

const account = document.body.dataset.account ?? ''
const mine: string = crypto.randomUUID()
const SYNC = 0
const STATE = 0
const SIGNED_OUT = 4401
const RETRY_MS = [300, 1000, 2000, 4000, 8000]
const KEEP_AFTER_MS = 300

interface Said {
  account?: string
  name?: string
  caret?: Caret
}

class Plan {
  private readonly doc = new Y.Doc()
  private readonly fields = new Map<string, SharedField>()
  private provider: WebsocketProvider | null = null
  private place = ''
  private saved = true
  private ended = false
  private joined = false
  private tries = 0
  private keeping = 0
  private adopted: string[] = []

  constructor(private readonly section: HTMLElement) {
    this.doc.on('update', (_update: Uint8Array, origin: unknown) => {
      if (origin !== this.provider) this.changed()
    })
    document.addEventListener('htmx:afterSettle', () => this.bind())
    addEventListener('online', () => void this.connect())
    addEventListener('offline', () => this.provider?.disconnect())
    addEventListener('pagehide', () => this.provider?.awareness.setLocalState(null))
  }

  async connect(): Promise<void> {
    if (this.ended || this.provider?.wsconnected || this.provider?.wsconnecting) return
    const ticket = await this.ticket()
    if (ticket === null) return
    const at = ticket.path.lastIndexOf('/')
    const protocols = ['gatehouse.v1', ticket.ticket]
    if (this.provider === null) {
      this.place = `plan ${ticket.path}`
      await this.restore().catch(() => undefined)
      const server = location.origin.replace('http', 'ws') + ticket.path.slice(0, at)
      const options = { protocols, disableBc: true, connect: false }
      this.provider = this.begun(new WebsocketProvider(server, ticket.path.slice(at + 1), this.doc, options))
    } else if (ticket.path.slice(at + 1) !== this.provider.roomname) {
      this.stop('These texts were removed. Open the page again.')
      return
    }
    this.provider.protocols = protocols
    this.provider.connect()
  }

  private async ticket(): Promise<{ path: string; ticket: string } | null> {
    try {
      const answer = await fetch(`${this.section.dataset.plan}/texts/ticket`, { headers: { Accept: 'application/json' } })
      if (answer.status === 401 || answer.redirected) {
        this.say('Kept on this device. Sign in to save it.')
        await signInAgain(account)
        return await this.ticket()
      }
      if (answer.ok) {
        this.tries = 0
        return await answer.json()
      }
      if (answer.status < 500 && answer.status !== 429) {
        this.stop('You can’t write here any more.')
        return null
      }
    } catch {
      // offline, or the portal is away
    }
    this.say('Kept on this device. The server doesn’t answer; it is tried again.')
    setTimeout(() => void this.connect(), RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)])
    return null
  }

  private begun(provider: WebsocketProvider): WebsocketProvider {
    const sync = provider.messageHandlers[SYNC]
    provider.messageHandlers[SYNC] = (encoder, decoder, ...rest) => {
      const ahead = decoding.clone(decoder)
      if (decoding.readVarUint(ahead) === STATE) this.stored(decoding.readVarUint8Array(ahead))
      sync?.(encoder, decoder, ...rest)
    }
    provider.on('sync', (synced: boolean) => {
      if (!synced) return
      this.joined = true
      this.section.dataset.planReady = 'yes'
      this.bind()
    })
    provider.on('closed', ({ code }: { code: number; reason: string }) => {
      if (code === SIGNED_OUT) void this.connect()
      else this.stop(code === 4429 ? 'Too many pages are open. Close one, and open this one again.' : 'You can’t write here any more.')
    })
    provider.on('status', ({ status }: { status: string }) => {
      this.section.dataset.planSocket = status
      if (status === 'disconnected' && !this.ended) this.say('Not connected. What you write is kept on this device.')
    })
    provider.awareness.on('change', () => this.shownOthers())
    provider.awareness.setLocalState({}) // the first state of a page has the clock 0, which others take for nothing new
    return provider
  }

  /** Takes up the fields that the page shows by now. */
  private bind(): void {
    if (!this.joined || this.provider === null) return
    for (const [name, field] of this.fields) {
      if (field.isShown) continue
      field.destroy()
      this.fields.delete(name)
    }
    for (const area of document.querySelectorAll<HTMLTextAreaElement>('textarea[data-shared]')) {
      const name = area.dataset.shared as string
      if (this.fields.has(name)) continue
      const field = new SharedField(area, name, this.doc.getText(name), (caret) => this.at(caret))
      this.fields.set(name, field)
      area.form?.querySelector('[data-plain]')?.setAttribute('hidden', '')
    }
    this.shownOthers()
  }

  private at(caret: Caret | null): void {
    this.provider?.awareness.setLocalState(caret ? { caret } : {})
  }

  private shownOthers(): void {
    const awareness = this.provider?.awareness
    if (!awareness) return
    const others = [...awareness.getStates()].filter(([client]) => client !== this.doc.clientID).map(([, state]) => state as Said)
    const people = new Map<string, string>()
    for (const one of others) {
      if (!one.account || one.account === account) continue
      const where = one.caret ? this.fields.get(one.caret.field)?.title : undefined
      if (!people.has(one.account) || where) people.set(one.account, `${one.name || 'Somebody'} is here${where ? `, in “${where}”` : ''}`)
    }
    const shown = this.section.querySelector('[data-plan-people]')
    const text = [...people.values()].join('; ')
    if (shown && shown.textContent !== text) shown.textContent = text
    for (const field of this.fields.values()) field.showCarets(others.filter((one) => one.caret?.field === field.name))
  }

  private changed(): void {
    this.saved = false
    this.say(this.provider?.wsconnected ? 'Saving …' : 'Not connected. What you write is kept on this device.')
    if (this.keeping) return
    this.keeping = window.setTimeout(() => {
      this.keeping = 0
      if (!this.saved) void this.onDevice()
    }, KEEP_AFTER_MS)
  }

  /** The server says how much of each writer's it has stored. */
  private stored(state: Uint8Array): void {
    const there = Y.decodeStateVector(state)
    const here = Y.decodeStateVector(Y.encodeStateVector(this.doc))
    if ([...here].some(([client, clock]) => (there.get(client) ?? 0) < clock)) return
    this.saved = true
    this.say('Saved')
    for (const writer of [mine, ...this.adopted.splice(0)]) void forget(account, this.place, writer).catch(() => undefined)
  }

  private async onDevice(): Promise<void> {
    const state = Y.encodeStateAsUpdate(this.doc)
    const text = btoa(Array.from(state, (byte) => String.fromCharCode(byte)).join(''))
    await keep(account, this.place, mine, { text, value: null, version: 0 }).catch(() => undefined)
  }

  /** What pages that were closed meanwhile left on this device goes into the document; the server takes what it lacks. */
  private async restore(): Promise<void> {
    for (const left of await waiting(account, this.place)) {
      Y.applyUpdate(this.doc, Uint8Array.from(atob(left.text), (letter) => letter.charCodeAt(0)), LOCAL)
      this.adopted.push(left.writer)
    }
  }

  private stop(why: string): void {
    this.ended = true
    this.provider?.disconnect()
    this.section.dataset.planSocket = 'ended'
    this.say(this.saved ? why : `${why} What you wrote since is on this device only; copy it.`)
  }

  private say(text: string): void {
    const state = this.section.querySelector('[data-plan-state]')
    if (state && state.textContent !== text) state.textContent = text
  }
}

const section = document.querySelector<HTMLElement>('[data-plan]')
if (section) {
  void new Plan(section).connect()
  beginMoves(section.dataset.plan as string)
}
