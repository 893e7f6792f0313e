"""What client and service say to each other, version 1: questions, answers, releases, problems. Knows nothing but the errors."""
