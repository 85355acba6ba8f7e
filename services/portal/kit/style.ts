// The portal's tokens (colours, fonts, spaces) and components, as the pages of the portal use them.
import '../gatehouse_portal/shell/tokens.css'
import '../gatehouse_portal/shell/shell.css'
