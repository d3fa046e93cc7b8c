"""Word lists for the generated data: readable, distinct, and harmless."""

from __future__ import annotations

ADJECTIVES = (
    "amber", "brave", "calm", "daring", "early", "faint", "gentle", "happy", "icy", "jolly", "keen", "lively", "mellow",
    "noble", "open", "proud", "quiet", "rapid", "silent", "tiny", "upbeat", "vivid", "warm", "young", "zesty", "bold",
    "clever", "dusty", "eager", "fancy", "golden", "humble",
)  # fmt: skip
NOUNS = (
    "anchor", "badger", "canyon", "dune", "ember", "falcon", "garden", "harbor", "island", "jungle", "kettle",
    "lantern", "meadow", "nomad", "orchard", "pebble", "quartz", "river", "saffron", "timber", "umbrella", "valley",
    "willow", "yonder", "zephyr", "bakery", "cellar", "delta", "engine", "forest", "glacier", "heron",
)  # fmt: skip
TITLES = (
    "Travel", "Food", "Friends", "Behind", "Q&A", "Summer ☀️", "Reviews", "Launch", "Home", "Studio", "Pets 🐾", "Music",
    "On tour", "Garden", "Recipes", "Events", "Team", "Press", "Wedding", "Mountains", "Sea 🌊", "Books", "Coffee ☕",
    "Workout", "Japan", "Lisboa", "São Paulo", "Sale", "How to", "FAQ",
)  # fmt: skip
BIOGRAPHIES = (
    "Stories worth keeping.", "Photographs from slow mornings.", "Small shop, big windows.\nOpen daily.",
    "Walking the long way home 🏔️", "Recipes, mostly bread.", "", "We make things by hand.",
)  # fmt: skip
CAPTIONS = (
    "Slow mornings ☕", "", "The long way home.\n\n#trailrunning #oldtown", "New in the shop, link in bio ✨",
    "Thanks to everybody who came! #behindthescenes", "Pão quente às sete. 🥖",
)  # fmt: skip
# Texts of the posts in lists, before their hashtags.
TEXTS = (
    "Slow mornings ☕", "", "The long way home.", "New in the shop, link in bio ✨", "Thanks to everybody who came!",
    "Pão quente às sete. 🥖", "", "Second attempt, better light.", "Open until late tonight.", "雨の日も悪くない。",
)  # fmt: skip
REMARKS = (
    "Love this 😍", "Where was this taken?", "🔥🔥🔥", "How long did it take?", "So good!", "Que bonito!", "First!",
    "Do you ship to Portugal?", "❤️", "This made my day.", "Which camera is it?", "すごい", "Not what I expected.",
    "See you there!", "👏👏", "Please post the recipe.",
)  # fmt: skip
ANSWERS = ("thank you!", "yes, on Sunday", "same here 😅", "I asked myself the same.", "🙏", "it is in the bio")
COUNTRIES = ("United States", "Portugal", "Japan", "Brazil", "Germany", None)
CATEGORIES = ("Photographer", "Restaurant", "Clothing (Brand)", "Artist", "Local Business", "Magazine")
HASHTAGS = ("sunset", "streetfood", "handmade", "trailrunning", "oldtown", "coffee", "newin", "behindthescenes")
# Those of the posts in lists: first the most used ones, last the two that are rare.
TAGS = (
    *HASHTAGS, "analogue", "breadmaking", "coastline", "dailywalk", "pãoquente", "nightshift", "rooftops", "tinyhouse",
    "goldenhourclub", "onlyhere",
)  # fmt: skip
# name, latitude, longitude, city
PLACES = (
    ("Tōdai-ji Temple", 34.6889, 135.8399, "Nara"),
    ("Praça do Comércio", 38.7075, -9.1364, "Lisboa"),
    ("Table Mountain", -33.9628, 18.4098, "Cape Town"),
    ("Mercado de San Juan", 19.4302, -99.1448, "Ciudad de México"),
    ("Fisherman's Bastion", 47.5020, 19.0347, "Budapest"),
    ("Stanley Park", 49.3017, -123.1417, "Vancouver"),
)
# Places that posts in lists name besides those.
FURTHER_PLACES = (
    ("Miradouro da Graça", 38.7163, -9.1312, "Lisboa"),
    ("Mercado da Ribeira", 38.7069, -9.1459, "Lisboa"),
    ("Kasuga-taisha", 34.6815, 135.8484, "Nara"),
    ("Granville Island", 49.2712, -123.1340, "Vancouver"),
    ("Kirstenbosch Garden", -33.9875, 18.4327, "Cape Town"),
    ("Gellért Hill", 47.4867, 19.0456, "Budapest"),
)
LINKS = (
    "https://example.com/shop?ref=story",
    "https://example.org/tickets",
    "https://example.net/read/the-long-way-home",
    "https://example.com/recipes/sourdough?utm_source=ig&utm_medium=story",
)


def username(index: int) -> str:
    """Return a user name, distinct for 0 to 1,023."""
    return f"{ADJECTIVES[index % 32]}.{NOUNS[index // 32]}"
