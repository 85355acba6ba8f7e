"""From a merged pull request to Production: affected services, images, promotion, verification."""
