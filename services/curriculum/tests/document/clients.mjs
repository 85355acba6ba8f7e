// Stock Yjs clients (yjs and y-websocket, as npm has them) that write the prose of plans, for tests and benchmarks.
//
// What to do comes as one JSON line on stdin, what came of it goes as JSON lines to stdout:
//   {do: "replay", url, person, tokens: [a, b], session: [{agent, parents, patches: [[at, deleted, text]]}], kill: [n, ...]}
//   {do: "offline", url, person, tokens: [a, b], keys}
//   {do: "echo", url, plans: [{person, tokens}], seconds, pause_ms}
import readline from 'node:readline'
import * as Y from 'yjs'
import { WebsocketProvider } from 'y-websocket'

const NAME = 'notes'
const WAIT_MS = 60_000

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`)
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]

async function until(what, why) {
  const end = Date.now() + WAIT_MS
  while (!what()) {
    if (Date.now() > end) throw new Error(`waited ${WAIT_MS} ms: ${why}`)
    await pause(5)
  }
}

async function ticket(url, person, token) {
  for (;;) {
    try {
      const address = `${url}/api/curriculum/curricula/${person}/texts/ticket`
      const answer = await fetch(address, { method: 'POST', headers: { Authorization: `Bearer ${token}` } })
      if (answer.ok) return await answer.json()
      if (answer.status < 500) throw new Error(`no ticket: ${answer.status} ${await answer.text()}`)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error // fetch: the server is away
    }
    await pause(100)
  }
}

/** A client as a page has it: where the ticket is too old, it gets another one. */
async function client(url, person, token) {
  const doc = new Y.Doc()
  const first = await ticket(url, person, token)
  const at = first.path.lastIndexOf('/')
  const server = url.replace('http', 'ws') + first.path.slice(0, at)
  const options = { protocols: ['gatehouse.v1', first.ticket], disableBc: true }
  const provider = new WebsocketProvider(server, first.path.slice(at + 1), doc, options)
  const codes = []
  provider.on('connection-close', (event) => codes.push(event?.code ?? 0))
  provider.on('closed', async ({ code }) => {
    if (code !== 4401) return
    provider.protocols = ['gatehouse.v1', (await ticket(url, person, token)).ticket]
    provider.connect()
  })
  return { doc, provider, codes, text: doc.getText(NAME) }
}

const covers = (doc, needs) => {
  const state = Y.decodeStateVector(Y.encodeStateVector(doc))
  return [...needs].every(([writer, clock]) => (state.get(writer) ?? 0) >= clock)
}

/** Each transaction as the update that its writer made, on what its writer saw then. */
function written(session) {
  const writers = [new Y.Doc(), new Y.Doc()]
  const seen = writers.map(() => new Set())
  const updates = []
  for (const [number, { agent, parents, patches }] of session.entries()) {
    const doc = writers[agent]
    const missing = [...parents]
    const ancestors = new Set()
    while (missing.length) {
      const one = missing.pop()
      if (seen[agent].has(one) || ancestors.has(one)) continue
      ancestors.add(one)
      missing.push(...session[one].parents)
    }
    for (const one of [...ancestors].sort((a, b) => a - b)) {
      Y.applyUpdate(doc, updates[one].update)
      seen[agent].add(one)
    }
    const needs = Y.decodeStateVector(Y.encodeStateVector(doc))
    const before = Y.encodeStateVector(doc)
    doc.transact(() => {
      for (const [place, length, typed] of patches) {
        const text = doc.getText(NAME)
        const at = Math.min(place, text.length) // a session of ours is written without knowing what a merge leaves
        const deleted = Math.min(length, text.length - at)
        if (deleted) text.delete(at, deleted)
        if (typed) text.insert(at, typed)
      }
    })
    seen[agent].add(number)
    updates.push({ agent, needs, update: Y.encodeStateAsUpdate(doc, before) })
  }
  const whole = new Y.Doc()
  for (const { update } of updates) Y.applyUpdate(whole, update)
  return { updates, end: whole.getText(NAME).toString() }
}

async function replay({ url, person, tokens, session, kill = [] }) {
  const { updates, end } = written(session)
  const both = await Promise.all(tokens.map((token) => client(url, person, token)))
  const begun = Date.now()
  let typed = 0
  await Promise.all(
    both.map(async ({ doc }, agent) => {
      for (const one of updates) {
        if (one.agent !== agent) continue
        if (!covers(doc, one.needs)) await until(() => covers(doc, one.needs), 'for what the other wrote')
        Y.applyUpdate(doc, one.update, 'typed')
        typed += 1
        if (kill.includes(typed)) say({ kill: typed })
        if (typed % 20 === 0) await pause(1)
      }
    })
  )
  await until(() => both.every((one) => one.text.toString() === end), 'for both to be equal')
  say({ end, typed, ms: Date.now() - begun, codes: both.map((one) => one.codes) })
  await pause(500) // what the server has not acknowledged is on its way
  for (const one of both) one.provider.destroy()
}

async function offline({ url, person, tokens, keys }) {
  const both = await Promise.all(tokens.map((token) => client(url, person, token)))
  await until(() => both.every((one) => one.provider.synced), 'for both to be there')
  for (const one of both) one.provider.disconnect()
  for (let number = 0; number < keys; number += 1) {
    both[0].text.insert(both[0].text.length, 'a')
    both[1].text.insert(0, 'b')
    if (number % 7 === 6) both[1].text.delete(0, 1)
  }
  const letters = both.map((one) => one.text.toString())
  for (const one of both) one.provider.connect()
  const length = letters[0].length + letters[1].length
  await until(() => both.every((one) => one.text.length === length) && both[0].text.toString() === both[1].text.toString(), 'for both to be equal')
  say({ end: both[0].text.toString(), offline: letters, codes: both.map((one) => one.codes) })
  await pause(500)
  for (const one of both) one.provider.destroy()
}

async function echo({ url, plans, seconds, pause_ms }) {
  const rooms = []
  for (const { person, tokens } of plans) rooms.push(await Promise.all(tokens.map((token) => client(url, person, token))))
  await until(() => rooms.flat().every((one) => one.provider.synced), 'for all to be there')
  const sent = new Map()
  const heard = []
  for (const one of rooms.flat()) {
    one.text.observe((event) => {
      if (event.transaction.local) return
      const now = performance.now()
      for (const step of event.delta) {
        for (const [word] of String(step.insert ?? '').matchAll(/<\d+>/g)) heard.push(now - sent.get(word))
      }
    })
  }
  let number = 0
  const stop = Date.now() + seconds * 1000
  await Promise.all(
    rooms.flat().map(async (one) => {
      await pause(Math.random() * pause_ms)
      while (Date.now() < stop) {
        const word = `<${(number += 1)}>`
        sent.set(word, performance.now())
        one.text.insert(one.text.length, word)
        await pause(pause_ms * (0.5 + Math.random()))
      }
    })
  )
  const others = rooms[0].length - 1
  await until(() => heard.length >= sent.size * others, 'for all echoes')
  heard.sort((a, b) => a - b)
  const codes = rooms.flat().flatMap((one) => one.codes)
  say({ edits: sent.size, echoes: heard.length, p50: percentile(heard, 0.5), p95: percentile(heard, 0.95), p99: percentile(heard, 0.99), codes })
  await until(() => rooms.every((room) => new Set(room.map((one) => one.text.toString())).size === 1), 'for all to be equal')
  for (const one of rooms.flat()) one.provider.destroy()
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  await { replay, offline, echo }[asked.do](asked)
  break
}
process.exit(0)
