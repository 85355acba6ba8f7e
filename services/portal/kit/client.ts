// Calls to services, typed by their OpenAPI documents:
//
//   const person = client<paths>('person')
//   const { data, error } = await person.GET('/api/person/people/{person_id}', { params: { path: { person_id } } })
//
// The portal passes them on as the person who is signed in.
import createClient, { type Client } from 'openapi-fetch'
import { csrfToken, goToSignIn } from './session'

export function client<Paths extends object>(service: string): Client<Paths> {
  return createClient<Paths>({ baseUrl: location.origin, fetch: (request) => send(service, request) })
}

/** The version in an ETag, as If-Match wants it; a change that somebody else has made meanwhile is then a 412. */
export function versionOf(row: { version: number }): { 'If-Match': string } {
  return { 'If-Match': `"${row.version}"` }
}

async function send(service: string, request: Request): Promise<Response> {
  const url = new URL(request.url)
  url.pathname = url.pathname.replace(`/api/${service}/`, `/bff/${service}/`)
  const headers = new Headers(request.headers)
  let body: ArrayBuffer | undefined
  if (request.method !== 'GET') {
    headers.set('X-CSRF-Token', csrfToken())
    body = await request.arrayBuffer() // as a stream, browsers send it by HTTP/2 only
  }
  try {
    const answer = await fetch(new Request(url, { method: request.method, headers, body, signal: request.signal }))
    if (answer.status === 401) goToSignIn()
    return answer
  } catch (error) {
    if (request.signal.aborted) throw error
    const detail = 'The institute can’t be reached. Check your connection and try again.'
    const problem = { type: 'urn:gatehouse:problem:unreachable', title: 'Not reachable', status: 503, detail }
    return Response.json(problem, { status: 503 })
  }
}
