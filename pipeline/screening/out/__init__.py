"""What leaves the review: notes as PDF, CSV and OTIO markers, comments for Kitsu, signed calls to webhooks."""
