// The island of every long text: what is typed is on this device at once and on the server within a second.
//
//   <div data-draft="/encounter/encounters/…/answers/goal" data-version="3"> <textarea>…</textarea> … </div>
//
// A text has a version. When another page wrote it first, both texts are shown, and nothing of either is lost: the
// server keeps the one that it refused, or that is replaced, for 30 days. No field is ever disabled. Without this
// script the field is an ordinary one, and the form around it saves it.

import { countWaiting, forget, keep, waiting, type StoredDraft } from './store'
import { send, signInAgain, UNREACHED, type Answer } from './session'

const SEND_AFTER_MS = 250
const WAIT_MS = 10_000
/** Pauses after failures double from the first; somebody who typed lately waits the shorter one at most. */
const FIRST_PAUSE_MS = 250
const MOST_MS = { typing: 1000, idle: 8000 }
const TYPED_LATELY_MS = 10_000
const PRIVATE_MARK = /(^|\n)\/p[ \n]/

const account = document.body.dataset.account ?? ''
const mine: string = crypto.randomUUID()

interface Current {
  text: string
  value: string | null
  version: number
  writer: string | null
}

class Field {
  private readonly place: string
  private readonly input: HTMLTextAreaElement
  private readonly state: HTMLElement
  private version: number
  private writer = mine
  private saved: string
  private keeping: Promise<void> | null = null
  private again = false
  private sending = false
  private timer = 0
  private due = Infinity
  private failures = 0
  private typedAt = 0
  private signedOut = false

  constructor(private readonly box: HTMLElement) {
    this.place = box.dataset.draft as string
    this.version = Number(box.dataset.version)
    this.input = box.querySelector('textarea') as HTMLTextAreaElement
    this.state = document.createElement('p')
    this.state.className = 'draft-state muted small'
    this.state.setAttribute('role', 'status')
    box.append(this.state)
    this.saved = this.content()
    this.input.addEventListener('input', () => this.typed())
    for (const one of this.choices()) one.addEventListener('change', () => this.typed())
    box.querySelector('[data-audience]')?.addEventListener('click', () => this.turnAudience())
    this.grow()
  }

  /** Takes up what an earlier page left on this device. */
  async restore(): Promise<void> {
    const alive = new Set((await navigator.locks.query()).held?.map((lock) => lock.name))
    const left = (await waiting(account, this.place)).filter((one) => !alive.has(lockOf(one.writer)))
    const first = left[0]
    if (!first) return
    const current = left.some((one) => one.version !== this.version) ? await this.current() : null
    for (const one of left) await this.takeUp(one, current)
  }

  get unsaved(): boolean {
    return this.content() !== this.saved
  }

  get form(): HTMLFormElement | null {
    return this.input.form
  }

  get name(): string {
    return this.input.name
  }

  focus(): void {
    this.input.focus()
  }

  holds(node: Node): boolean {
    return this.box.contains(node)
  }

  /** The network is back, or the page is looked at again. */
  resend(): void {
    this.failures = 0
    if (this.unsaved && !this.signedOut) this.soon(0)
  }

  private async takeUp(left: StoredDraft, current: Current | null): Promise<void> {
    const continues = left.version === this.version || (current !== null && current.writer === left.writer)
    if (left.text === this.input.value && left.value === this.value()) {
      await forget(account, this.place, left.writer)
    } else if (continues && !this.unsaved) {
      // The same text goes on here, under the same writer: what that page sent last is its own.
      this.writer = left.writer
      void navigator.locks.request(lockOf(left.writer), forever)
      if (current) this.version = current.version
      this.set(left.text, left.value)
      this.typed()
    } else {
      this.showOther(left.text, 'You also wrote this on this device, and it wasn’t saved', async () => {
        await forget(account, this.place, left.writer)
      })
    }
  }

  private typed(): void {
    this.markPrivate()
    this.grow()
    this.say('Saving …')
    this.box.dataset.kept = 'no'
    this.typedAt = Date.now()
    void this.onDevice()
    this.soon(this.failures ? this.pause() : SEND_AFTER_MS)
  }

  /** One write at a time; the newest text wins. */
  private onDevice(): Promise<void> {
    if (this.keeping) {
      this.again = true
      return this.keeping
    }
    this.keeping = (async () => {
      do {
        this.again = false
        if (!this.unsaved) await forget(account, this.place, this.writer)
        else {
          const draft = { text: this.input.value, value: this.value(), version: this.version }
          await keep(account, this.place, this.writer, draft)
        }
      } while (this.again)
      this.box.dataset.kept = 'yes' // on this device, or on the server: the page may be closed
    })()
      .catch(() => undefined)
      .finally(() => (this.keeping = null))
    return this.keeping
  }

  private soon(after: number): void {
    // While somebody types on, the first change still goes after this time: waiting for a pause could take minutes.
    const due = Date.now() + after
    if (this.timer && this.due <= due) return
    clearTimeout(this.timer)
    this.due = due
    this.timer = window.setTimeout(() => {
      this.timer = 0
      void this.push()
    }, after)
  }

  /** Until the next try, of a length that differs from page to page: they don't all come at once. */
  private pause(): number {
    const most = Date.now() - this.typedAt < TYPED_LATELY_MS ? MOST_MS.typing : MOST_MS.idle
    return Math.min(FIRST_PAUSE_MS * 2 ** (this.failures - 1), most) * (0.5 + Math.random() / 2)
  }

  private async push(): Promise<void> {
    if (this.sending) return
    if (!this.unsaved) {
      this.say('Saved')
      return
    }
    this.sending = true
    const content = this.content()
    const body = { text: this.input.value, value: this.value(), writer: this.writer, ...this.audience() }
    const answer = await send('PUT', this.place, this.sentWith(body), this.version)
    this.sending = false
    await this.answered(answer, content)
  }

  private async answered(answer: Answer, sent: string): Promise<void> {
    if (answer.status === 200) {
      this.failures = 0
      this.version = Number(answer.body.version)
      this.saved = sent
      this.box.dataset.version = String(this.version)
      await this.onDevice()
      if (this.unsaved) this.soon(0)
      else this.say('Saved')
    } else if (answer.status === 401) {
      this.signedOut = true
      this.say('Kept on this device. Sign in to save it.')
      await signInAgain(account)
      this.signedOut = false
      this.soon(0)
    } else if (answer.status === 412) {
      await this.conflict()
    } else if (answer.status === UNREACHED || answer.status >= 500 || answer.status === 429) {
      this.say('Kept on this device. The server doesn’t answer; it is tried again.')
      this.failures += 1
      this.soon(this.pause())
    } else {
      const why = typeof answer.body.detail === 'string' ? answer.body.detail : 'It isn’t taken.'
      this.say(`Kept on this device, but not saved. ${why}`)
    }
  }

  /** The server has another text than this page began from. */
  private async conflict(): Promise<void> {
    const current = await this.current()
    if (current === null) {
      this.failures += 1
      this.soon(this.pause())
      return
    }
    if (current.writer === this.writer) {
      // What this page sent before, whose answer was lost.
      this.version = current.version
      this.saved = this.contentWith(current.text, current.value)
      await this.onDevice()
      this.soon(0)
      return
    }
    if (current.text === this.input.value) {
      this.version = current.version
      this.soon(0)
      return
    }
    this.say('Kept on the server, beside what was written on another page.')
    this.showOther(current.text, 'This was also written on another page', () => {
      this.version = current.version
    })
  }

  private async current(): Promise<Current | null> {
    const answer = await send('GET', this.place)
    return answer.status === 200 ? (answer.body as unknown as Current) : null
  }

  private showOther(text: string, title: string, settle: () => void | Promise<void>): void {
    const shown = this.box.querySelector<HTMLTextAreaElement>('.draft-other textarea')
    this.box.querySelector('.draft-other')?.remove()
    const section = document.createElement('section')
    section.className = 'draft-other notice lamp'
    section.setAttribute('aria-label', title)
    section.innerHTML =
      '<strong></strong><textarea readonly rows="4"></textarea><div class="row">' +
      '<button type="button" data-do="mine">Keep what I wrote</button>' +
      '<button type="button" data-do="other">Take the other</button>' +
      '<button type="button" data-do="both">Put both together</button></div>'
    ;(section.querySelector('strong') as HTMLElement).textContent = title
    const other = section.querySelector('textarea') as HTMLTextAreaElement
    other.setAttribute('aria-label', title)
    other.value = text
    section.addEventListener('click', (event) => {
      const what = (event.target as HTMLElement).dataset.do
      if (!what) return
      void (async () => {
        await settle()
        section.remove()
        if (what === 'other') this.set(other.value, this.value())
        if (what === 'both') this.set([this.input.value, other.value].filter(Boolean).join('\n\n'), this.value())
        this.input.focus()
        this.typed()
        this.soon(0)
      })()
    })
    this.box.append(section)
    if (shown && document.activeElement === shown) other.focus()
  }

  private audience(): { audience?: string } {
    const button = this.box.querySelector<HTMLElement>('[data-audience]')
    return button ? { audience: button.dataset.audience as string } : {}
  }

  /** A line that begins with /p makes the block private. */
  private markPrivate(): void {
    const button = this.box.querySelector<HTMLElement>('[data-audience]')
    const found = PRIVATE_MARK.exec(this.input.value)
    if (!button || !found) return
    const at = found.index + (found[1] as string).length
    const rest = this.input.value.slice(at + 3)
    this.input.value = this.input.value.slice(0, at) + rest
    this.input.setSelectionRange(at, at)
    this.setAudience(button, 'author_only')
  }

  private turnAudience(): void {
    const button = this.box.querySelector('[data-audience]') as HTMLElement
    this.setAudience(button, button.dataset.audience === 'shared' ? 'author_only' : 'shared')
    this.typed()
  }

  private setAudience(button: HTMLElement, audience: string): void {
    button.dataset.audience = audience
    const hidden = audience === 'author_only'
    button.setAttribute('aria-pressed', String(hidden))
    this.box.classList.toggle('private', hidden)
    const field = this.box.querySelector<HTMLInputElement>('input[name^="audience-"]')
    if (field) field.value = audience
  }

  private choices(): HTMLInputElement[] {
    return [...this.box.querySelectorAll<HTMLInputElement>('[data-choice]')]
  }

  private value(): string | null {
    return this.choices().find((one) => one.checked)?.value ?? null
  }

  private sentWith(body: Record<string, unknown>): Record<string, unknown> {
    if (this.box.dataset.plain !== undefined) return { text: body.text, writer: body.writer }
    return body
  }

  private set(text: string, value: string | null): void {
    this.input.value = text
    for (const one of this.choices()) one.checked = one.value === value
    this.grow()
  }

  private content(): string {
    return this.contentWith(this.input.value, this.value())
  }

  private contentWith(text: string, value: string | null): string {
    return JSON.stringify([text, value, this.audience().audience ?? null])
  }

  private grow(): void {
    const lines = this.input.value.split('\n').reduce((sum, line) => sum + Math.ceil((line.length + 1) / 70), 0)
    this.input.rows = Math.min(Math.max(lines + 1, Number(this.input.dataset.rows ?? 3)), 24)
  }

  private say(text: string): void {
    if (this.state.textContent !== text) this.state.textContent = text
  }
}

function lockOf(writer: string): string {
  return `gatehouse-writer ${writer}`
}

function forever(): Promise<never> {
  return new Promise(() => undefined)
}

async function begin(): Promise<void> {
  // Held as long as this page lives: what a page left behind is told from what another one is writing.
  void navigator.locks.request(lockOf(mine), forever)
  const fields = [...document.querySelectorAll<HTMLElement>('[data-draft]')].map((box) => new Field(box))
  guardSigningOut(fields)
  for (const form of new Set(fields.map((field) => field.form))) if (form) saveBeforeSending(form, fields)
  addEventListener('online', () => fields.forEach((field) => field.resend()))
  document.addEventListener('visibilitychange', () => fields.forEach((field) => field.resend()))
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    const at = fields.findIndex((field) => field.holds(event.target as Node))
    const next = fields[at + 1]
    if (at < 0 || !next) return
    event.preventDefault()
    next.focus()
  })
  for (const field of fields) await field.restore().catch(() => undefined)
  document.documentElement.dataset.drafts = 'ready'
}

/** What this script saves isn't sent with its form as well, which goes when all of it is on the server. */
function saveBeforeSending(form: HTMLFormElement, fields: Field[]): void {
  const mine = fields.filter((field) => field.form === form)
  form.addEventListener('formdata', (event) => {
    for (const field of mine) if (field.name.startsWith('text-')) event.formData.delete(field.name)
  })
  form.addEventListener('submit', (event) => {
    if (!mine.some((field) => field.unsaved)) return
    event.preventDefault()
    const pressed = (event as SubmitEvent).submitter
    void (async () => {
      const until = Date.now() + WAIT_MS
      while (mine.some((field) => field.unsaved) && Date.now() < until) {
        for (const field of mine) field.resend()
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      const left = mine.find((field) => field.unsaved)
      if (left) left.focus()
      else form.requestSubmit(pressed instanceof HTMLElement ? pressed : null)
    })()
  })
}

/** Signing out with text that isn't saved asks first: whoever sits here next doesn't see it, and it isn't sent. */
function guardSigningOut(fields: Field[]): void {
  document.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement
    if (form.getAttribute('action') !== '/sign-out' || form.dataset.sure) return
    event.preventDefault()
    void (async () => {
      const left = fields.some((field) => field.unsaved) || (await countWaiting(account).catch(() => 0)) > 0
      if (left && !(await ask())) return
      form.dataset.sure = 'yes'
      form.submit()
    })()
  })
}

function ask(): Promise<boolean> {
  const dialog = document.createElement('dialog')
  dialog.className = 'ask'
  dialog.setAttribute('aria-labelledby', 'ask-title')
  dialog.innerHTML =
    '<h2 id="ask-title">Some of what you wrote isn’t saved yet</h2><p>It stays on this device, encrypted, and is saved ' +
    'when you open the page again and are signed in.</p><form method="dialog" class="row">' +
    '<button value="stay" class="main" autofocus>Stay signed in</button><button value="leave">Sign out anyway</button></form>'
  document.body.append(dialog)
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue === 'leave')
    })
  })
}

if (account) void begin()
