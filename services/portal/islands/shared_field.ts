// A textarea that shows a Y.Text: what is typed goes in as the difference, what others type comes out around the caret,
// and undo takes back what was written here, never what others wrote.

import * as Y from 'yjs'

/** The origin of what is written in this page. */
export const LOCAL = 'here'
const CARET_MS = 100

export interface Caret {
  field: string
  at: unknown
}

export class SharedField {
  private shown: string
  private readonly undo: Y.UndoManager
  private readonly ending = new AbortController()
  private telling = 0

  constructor(
    private readonly area: HTMLTextAreaElement,
    readonly name: string,
    private readonly text: Y.Text,
    private readonly tell: (caret: Caret | null) => void
  ) {
    const typed = area.value
    this.shown = text.toString()
    this.undo = new Y.UndoManager(text, { trackedOrigins: new Set([LOCAL]) })
    // What was typed before the document was here is written over what the page was made with.
    if (typed !== area.defaultValue && typed !== this.shown) {
      const added = area.defaultValue === this.shown ? typed : [this.shown, typed].filter(Boolean).join('\n\n')
      this.write(added, added.length)
    }
    if (area.value !== this.shown) area.value = this.shown
    text.observe(this.heard)
    const signal = this.ending.signal
    area.addEventListener('input', () => this.typed(), { signal })
    area.addEventListener('keydown', (event) => this.pressed(event), { signal })
    area.addEventListener('beforeinput', (event) => this.native(event), { signal })
    for (const kind of ['focus', 'keyup', 'pointerup', 'select']) area.addEventListener(kind, () => this.tellSoon(), { signal })
    area.addEventListener('blur', () => this.tell(null), { signal })
  }

  get isShown(): boolean {
    return this.area.isConnected
  }

  get title(): string {
    return this.area.labels[0]?.textContent?.trim() ?? this.name
  }

  destroy(): void {
    this.text.unobserve(this.heard)
    this.undo.destroy()
    this.ending.abort()
    clearTimeout(this.telling)
  }

  /** The carets of others, each with its name. */
  showCarets(others: { name?: string; caret?: Caret }[]): void {
    const box = this.area.parentElement as HTMLElement
    box.querySelectorAll('.shared-caret').forEach((one) => one.remove())
    for (const other of others) {
      const place = this.placeOf(other.caret?.at)
      if (place === null) continue
      const mark = document.createElement('div')
      mark.className = 'shared-caret'
      mark.setAttribute('aria-hidden', 'true')
      const name = document.createElement('span')
      name.textContent = (other.name ?? '').split(' ')[0] || 'Somebody'
      mark.append(name)
      const { left, top, height } = coordinates(this.area, place)
      if (top < 0 || top > this.area.clientHeight) continue
      Object.assign(mark.style, { left: `${left}px`, top: `${top}px`, height: `${height}px` })
      box.append(mark)
    }
  }

  private placeOf(said: unknown): number | null {
    try {
      const place = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(said), this.text.doc as Y.Doc)
      return place !== null && place.type === this.text ? place.index : null
    } catch {
      return null
    }
  }

  private typed(): void {
    this.write(this.area.value, this.area.selectionEnd)
    this.tellSoon()
  }

  /** `caret`: where it stands afterwards; of equal letters in a row it tells which one was typed. */
  private write(value: string, caret: number): void {
    const before = this.shown
    const most = Math.min(before.length, value.length)
    let end = 0
    while (end < most && end < value.length - caret && before[before.length - 1 - end] === value[value.length - 1 - end]) end++
    let begin = 0
    while (begin < most - end && before[begin] === value[begin]) begin++
    while (end < most - begin && before[before.length - 1 - end] === value[value.length - 1 - end]) end++
    ;[begin, end] = aroundPairs(before, value, begin, end)
    this.shown = value
    this.text.doc?.transact(() => {
      if (before.length - end > begin) this.text.delete(begin, before.length - end - begin)
      if (value.length - end > begin) this.text.insert(begin, value.slice(begin, value.length - end))
    }, LOCAL)
  }

  private readonly heard = (event: Y.YTextEvent): void => {
    const now = this.text.toString()
    if (now === this.shown) return
    let { selectionStart: start, selectionEnd: end } = this.area
    let at = 0
    for (const step of event.delta) {
      if (step.retain !== undefined) at += step.retain
      else if (typeof step.insert === 'string') {
        const length = step.insert.length
        if (at < start) start += length
        if (at < end) end += length
        at += length
      } else if (step.delete !== undefined) {
        start -= Math.max(0, Math.min(step.delete, start - at))
        end -= Math.max(0, Math.min(step.delete, end - at))
      }
    }
    const { scrollTop, selectionDirection } = this.area
    this.shown = now
    this.area.value = now
    if (document.activeElement === this.area) this.area.setSelectionRange(start, end, selectionDirection)
    this.area.scrollTop = scrollTop
  }

  private pressed(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return
    const key = event.key.toLowerCase()
    if (key === 'z') this.takeBack(event, event.shiftKey)
    else if (key === 'y') this.takeBack(event, true)
  }

  /** Undo by the menu of the browser, whose own memory knows nothing of what others wrote. */
  private native(event: InputEvent): void {
    if (event.inputType === 'historyUndo') this.takeBack(event, false)
    else if (event.inputType === 'historyRedo') this.takeBack(event, true)
  }

  private takeBack(event: Event, again: boolean): void {
    event.preventDefault()
    event.stopPropagation()
    if (again) this.undo.redo()
    else this.undo.undo()
  }

  private tellSoon(): void {
    if (this.telling) return
    this.telling = window.setTimeout(() => {
      this.telling = 0
      if (document.activeElement !== this.area) return
      const at = Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(this.text, this.area.selectionEnd))
      this.tell({ field: this.name, at })
    }, CARET_MS)
  }
}

/** Widens a difference so that it cuts no pair of surrogates in two. */
function aroundPairs(before: string, value: string, begin: number, end: number): [number, number] {
  const isHigh = (text: string, at: number): boolean => /[\ud800-\udbff]/.test(text.charAt(at))
  if (begin > 0 && isHigh(before, begin - 1)) begin--
  if (end > 0 && (isHigh(before, before.length - end - 1) || isHigh(value, value.length - end - 1))) end--
  return [begin, Math.max(0, end)]
}

/** Where in the textarea its letter `place` stands, in pixels: a copy of it, laid out beside it, is measured. */
function coordinates(area: HTMLTextAreaElement, place: number): { left: number; top: number; height: number } {
  const style = getComputedStyle(area)
  const copy = document.createElement('div')
  for (const name of ['font', 'letterSpacing', 'lineHeight', 'padding', 'borderWidth', 'textIndent', 'wordSpacing'] as const) {
    copy.style[name] = style[name]
  }
  Object.assign(copy.style, {
    position: 'absolute',
    visibility: 'hidden',
    whiteSpace: 'pre-wrap',
    overflowWrap: 'break-word',
    boxSizing: 'border-box',
    borderStyle: 'solid',
    width: `${area.offsetWidth}px`,
    top: '0',
    left: '0',
  })
  copy.textContent = area.value.slice(0, place)
  const mark = document.createElement('span')
  mark.textContent = '\u200b'
  copy.append(mark)
  area.parentElement?.append(copy)
  const found = { left: mark.offsetLeft, top: mark.offsetTop - area.scrollTop, height: mark.offsetHeight }
  copy.remove()
  return found
}
