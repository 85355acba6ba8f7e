// Texts on this device that the server hasn't taken yet, encrypted: they outlive the tab, the sign-in and the server.
//
// The key can't be taken out of the browser (extractable: false), so whoever copies the files of the profile reads
// nothing. A record belongs to one account, one place (the address that it is sent to) and one writer (an open page).

export interface Draft {
  text: string
  value: string | null
  version: number
}

export interface StoredDraft extends Draft {
  writer: string
  at: number
}

interface Sealed {
  id: string
  account: string
  place: string
  writer: string
  at: number
  iv: Uint8Array<ArrayBuffer>
  data: ArrayBuffer
}

const NAME = 'gatehouse-drafts'
const KEPT_MS = 30 * 24 * 3600 * 1000

let opened: Promise<IDBDatabase> | null = null
let key: Promise<CryptoKey> | null = null

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('keys')
      request.result.createObjectStore('drafts', { keyPath: 'id' }).createIndex('account', 'account')
    }
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close()
      resolve(request.result)
    }
    request.onerror = () => reject(request.error)
  })
  return opened
}

async function keys(): Promise<CryptoKey> {
  const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  const transaction = (await database()).transaction('keys', 'readwrite')
  const store = transaction.objectStore('keys')
  const known: CryptoKey | undefined = await done(store.get('drafts'))
  if (known) return known
  await done(store.put(made, 'drafts'))
  return made
}

function theKey(): Promise<CryptoKey> {
  key ??= keys()
  return key
}

function idOf(account: string, place: string, writer: string): string {
  return `${account} ${place} ${writer}`
}

/** Resolves when it is on the disk. */
export async function keep(account: string, place: string, writer: string, draft: Draft): Promise<void> {
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const plain = new TextEncoder().encode(JSON.stringify(draft))
  const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await theKey(), plain)
  const record: Sealed = { id: idOf(account, place, writer), account, place, writer, at: Date.now(), iv, data }
  const transaction = (await database()).transaction('drafts', 'readwrite', { durability: 'strict' })
  transaction.objectStore('drafts').put(record)
  await finished(transaction)
}

export async function forget(account: string, place: string, writer: string): Promise<void> {
  const transaction = (await database()).transaction('drafts', 'readwrite')
  transaction.objectStore('drafts').delete(idOf(account, place, writer))
  await finished(transaction)
}

/** What waits for one place, the newest first. What can't be read any more, or is older than 30 days, is removed. */
export async function waiting(account: string, place: string): Promise<StoredDraft[]> {
  const found: StoredDraft[] = []
  for (const record of await recordsOf(account)) {
    if (Date.now() - record.at > KEPT_MS) await forget(account, record.place, record.writer)
    else if (record.place === place) {
      try {
        const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: record.iv }, await theKey(), record.data)
        const draft = JSON.parse(new TextDecoder().decode(plain)) as Draft
        found.push({ ...draft, writer: record.writer, at: record.at })
      } catch {
        await forget(account, place, record.writer)
      }
    }
  }
  return found.sort((one, other) => other.at - one.at)
}

/** How many texts of this account wait to be sent, on whichever page. */
export async function countWaiting(account: string): Promise<number> {
  return (await recordsOf(account)).length
}

async function recordsOf(account: string): Promise<Sealed[]> {
  const store = (await database()).transaction('drafts').objectStore('drafts')
  return done(store.index('account').getAll(account) as IDBRequest<Sealed[]>)
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onerror = () => reject(transaction.error)
    transaction.onabort = () => reject(transaction.error)
  })
}
