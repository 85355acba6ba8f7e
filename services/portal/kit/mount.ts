// Starts an app: style, session, frame.
import './style'
import { createApp, h, type Component } from 'vue'
import AppFrame from './AppFrame.vue'
import { readSession, SESSION } from './session'

/** Shows `content` in the portal's frame, for whoever is signed in. */
export async function mountApp(content: Component): Promise<void> {
  const session = await readSession()
  if (!session) return
  document.documentElement.dataset.theme = session.theme
  createApp({ render: () => h(AppFrame, null, () => h(content)) })
    .provide(SESSION, session)
    .mount('#app')
}
