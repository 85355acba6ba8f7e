// The puzzle of a form for strangers is solved in a worker of our own origin: the policy of our pages allows no other.
// The widget begins as soon as it is on the page, so it comes there once it knows the worker.
const place = document.querySelector('template[data-puzzle-worker]')
if (place && globalThis.$altcha) {
  globalThis.$altcha.algorithms.set('PBKDF2/SHA-256', () => new Worker(place.dataset.puzzleWorker))
  place.replaceWith(place.content.cloneNode(true))
}
