// Moving the things of a plan by dragging, or by the arrow keys on their handle; and what others moved, with its undo.
//
// A thing goes behind another one, so two who move at once don't hinder each other. After each change the server's part
// of the page replaces the lists; what others did is told from how they stood before.

declare const htmx: {
  ajax(verb: string, path: string, options: { target: Element; swap: string; values: Record<string, string> }): Promise<void>
}

const LISTS = ['now', 'next', 'later']
const TITLES: Record<string, string> = { now: 'Now', next: 'Next', later: 'Later' }
const FRESH_MS = 2_000

interface Stand {
  list: string
  after: string
  name: string
  moves: boolean
}

let base = ''
let before = new Map<string, Stand>()
let order = new Map<string, string[]>()
let moved = { id: '', at: 0, focus: false }
let dragged: HTMLElement | null = null

export function beginMoves(path: string): void {
  base = path
  before = standing()
  addHandles()
  let soon = 0
  document.addEventListener('htmx:afterSettle', (event) => {
    // htmx tells of each element of the new part.
    if (soon || !(event.target as Element).closest?.('#curriculum')) return
    soon = window.setTimeout(() => {
      soon = 0
      settled()
    })
  })
  document.addEventListener('keydown', pressed)
  document.addEventListener('dragstart', grabbed)
  document.addEventListener('dragover', over)
  document.addEventListener('drop', dropped)
  document.addEventListener('dragend', () => {
    dragged = null
    unmark()
  })
}

function items(list: string): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(`[data-list="${list}"] li[data-item]`)]
}

function standing(): Map<string, Stand> {
  const found = new Map<string, Stand>()
  order = new Map()
  for (const list of LISTS) {
    let after = ''
    const ids: string[] = []
    for (const item of items(list)) {
      const id = item.dataset.item as string
      found.set(id, { list, after, name: item.dataset.name ?? '', moves: item.dataset.moves !== undefined })
      ids.push(id)
      after = id
    }
    order.set(list, ids)
  }
  return found
}

function addHandles(): void {
  for (const item of document.querySelectorAll<HTMLElement>('li[data-moves]')) {
    const menu = item.querySelector('form')
    if (!menu || item.querySelector('.grip')) continue
    const grip = document.createElement('button')
    grip.type = 'button'
    grip.className = 'grip small-button plain'
    grip.draggable = true
    grip.id = `grip-${item.dataset.item}`
    grip.setAttribute('aria-label', `Move ${item.dataset.name}: arrow up and down within the list, left and right to another`)
    grip.textContent = '⠿'
    menu.prepend(grip)
  }
}

function place(id: string, list: string, after: string): void {
  const item = document.getElementById(`item-${id}`)
  const target = document.getElementById('curriculum')
  const token = document.querySelector<HTMLInputElement>('input[name="form_token"]')
  const stood = before.get(id)
  if (!item || !target || !token || !stood) return
  if (stood.list === list && (stood.after === after || after === id)) return
  moved = { id, at: Date.now(), focus: true }
  const values = { form_token: token.value, state: list, after, name: stood.name, place: item.dataset.place ?? '' }
  void htmx.ajax('POST', `${base}/curriculum/${id}/place`, { target, swap: 'innerHTML', values })
}

function pressed(event: KeyboardEvent): void {
  const item = (event.target as HTMLElement).closest?.('.grip')?.closest<HTMLElement>('li[data-item]')
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return
  const id = item.dataset.item as string
  const stood = before.get(id)
  if (!stood) return
  const ids = order.get(stood.list) ?? []
  const at = ids.indexOf(id)
  if (event.key === 'ArrowUp' && at > 0) place(id, stood.list, ids[at - 2] ?? '')
  else if (event.key === 'ArrowDown' && at < ids.length - 1) place(id, stood.list, ids[at + 1] as string)
  else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
    const list = LISTS[LISTS.indexOf(stood.list) + (event.key === 'ArrowLeft' ? -1 : 1)]
    if (list) place(id, list, event.key === 'ArrowLeft' ? (order.get(list)?.at(-1) ?? '') : '')
  } else return
  event.preventDefault()
}

function grabbed(event: DragEvent): void {
  const item = (event.target as HTMLElement).closest?.('.grip')?.closest<HTMLElement>('li[data-item]')
  if (!item || !event.dataTransfer) return
  dragged = item
  event.dataTransfer.effectAllowed = 'move'
  event.dataTransfer.setData('text/plain', item.dataset.name ?? '')
  event.dataTransfer.setDragImage(item, 10, 10)
}

/** The list that something is dragged over, and the item that it would stand before; none: at the end. */
function under(event: DragEvent): { section: HTMLElement; next: HTMLElement | null } | null {
  const section = (event.target as HTMLElement).closest?.<HTMLElement>('[data-list]')
  if (!dragged || !section) return null
  const shown = items(section.dataset.list as string).filter((one) => one !== dragged && one.offsetParent)
  const next = shown.find((one) => {
    const box = one.getBoundingClientRect()
    return event.clientY < box.top + box.height / 2
  })
  return { section, next: next ?? null }
}

function over(event: DragEvent): void {
  const found = under(event)
  unmark()
  if (!found) return
  event.preventDefault()
  if (found.next) found.next.classList.add('drop-here')
  else found.section.classList.add('drop-into')
}

function dropped(event: DragEvent): void {
  const found = under(event)
  unmark()
  if (!found || !dragged) return
  event.preventDefault()
  const list = found.section.dataset.list as string
  const ids = (order.get(list) ?? []).filter((id) => id !== dragged?.dataset.item)
  const at = found.next ? ids.indexOf(found.next.dataset.item as string) : ids.length
  place(dragged.dataset.item as string, list, ids[at - 1] ?? '')
}

function unmark(): void {
  document.querySelectorAll('.drop-here, .drop-into').forEach((one) => one.classList.remove('drop-here', 'drop-into'))
}

/** The lists are new. */
function settled(): void {
  const stood = before
  const ordered = order
  before = standing()
  addHandles()
  if (Date.now() - moved.at < FRESH_MS) {
    if (moved.focus) document.getElementById(`grip-${moved.id}`)?.focus()
    moved.focus = false
    return
  }
  const toast = [...document.querySelectorAll<HTMLElement>('#toasts [data-toast]')].at(-1)
  const who = toast && /^(.+) changed the curriculum\.$/.exec(toast.dataset.announceToast ?? '')
  const change = who && theMove(stood, ordered)
  if (!toast || !who || !change) return
  const { id, was, now } = change
  const text = now.list === was.list ? `${who[1]} moved “${now.name}” within ${TITLES[now.list]}.` : `${who[1]} moved “${now.name}” from ${TITLES[was.list]} to ${TITLES[now.list]}.`
  const said = document.createTreeWalker(toast, NodeFilter.SHOW_TEXT)
  for (let node = said.nextNode(); node; node = said.nextNode()) {
    if (node.textContent?.includes('changed the curriculum.')) node.textContent = text
  }
  const announced = document.getElementById('announce')
  if (announced) announced.textContent = text
  if (!now.moves) return
  const undo = document.createElement('button')
  undo.type = 'button'
  undo.className = 'plain'
  undo.dataset.undoMove = id
  undo.textContent = 'Undo'
  undo.addEventListener('click', () => {
    toast.remove()
    place(id, was.list, was.after)
  })
  toast.querySelector('[data-dismiss]')?.before(undo)
  if (!undo.isConnected) toast.append(undo)
}

/** What was moved, where it is exactly one thing. */
function theMove(stood: Map<string, Stand>, ordered: Map<string, string[]>): { id: string; was: Stand; now: Stand } | null {
  if (stood.size !== before.size) return null
  const others = [...stood].filter(([id, was]) => before.get(id)?.list !== was.list)
  if (others.length > 1) return null
  const one = others[0] ?? within(stood, ordered)
  const now = one && before.get(one[0])
  return one && now ? { id: one[0], was: one[1], now } : null
}

/** One that stands elsewhere in its list: without it, the list is as it was. */
function within(stood: Map<string, Stand>, ordered: Map<string, string[]>): [string, Stand] | undefined {
  for (const list of LISTS) {
    const was = ordered.get(list) ?? []
    const now = order.get(list) ?? []
    if (was.join() === now.join()) continue
    const id = was.find((one) => was.filter((other) => other !== one).join() === now.filter((other) => other !== one).join())
    const stand = id === undefined ? undefined : stood.get(id)
    return id !== undefined && stand ? [id, stand] : undefined
  }
  return undefined
}
