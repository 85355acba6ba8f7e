"""PDF documents. Needs the extra `pdf`: no other service's image has typst and the fonts."""
