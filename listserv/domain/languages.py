"""The languages in which the program writes to people: each has a folder of words in templates/."""

# English stands in templates/ itself, the others in a folder of their name.
ENGLISH = "en"
LANGUAGES = (ENGLISH, "de")
