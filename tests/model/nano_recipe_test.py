"""The recipe of the bundled model, as far as plain python3 can hold it: episodes are the same for a
seed, held-out parts don't leak into training, and the model card speaks of today's prompts."""

import hashlib
import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "model" / "nano"))

import episodes  # noqa: E402
import facts  # noqa: E402
import words  # noqa: E402
from episodes import LEVELS, Episodes  # noqa: E402


def text_of(episode):
    return "\n".join("".join(t for t, _ in turn.parts) if turn.parts else turn.text for turn in episode)


def made(count, seed=3, level=LEVELS[-1], **split):
    source = Episodes(seed, level, **split)
    return [source.episode() for _ in range(count)]


def literal(template):
    """The longest stretch of a template that is its own."""
    return max(re.split(r"\{\w\}", template), key=len).strip()


class Recipe(unittest.TestCase):
    def test_the_same_seed_makes_the_same_episodes(self):
        self.assertEqual([text_of(e) for e in made(200)], [text_of(e) for e in made(200)])
        self.assertNotEqual([text_of(e) for e in made(20)], [text_of(e) for e in made(20, seed=4)])

    def test_held_out_forms_are_in_no_training_episode(self):
        trained = "\n".join(text_of(e) for level in LEVELS for e in made(1500, level=level))
        requests = [*facts.QUESTIONS["held"], *episodes.DO_REQUESTS["held"], *episodes.SUM_REQUESTS["held"], *facts.SENTENCES["held"],
                    *[sentence for sentence, _ in facts.RULES["held"]]]
        descriptions = [*episodes.PHRASES["held"], *episodes.DO_PHRASES["held"]]
        long_enough = [f for f in map(literal, requests + descriptions) if len(f) > 8]
        self.assertGreater(len(long_enough), 15)
        for form in long_enough:
            self.assertFalse(form in trained, form)

    def test_held_out_words_name_nothing_in_training(self):
        for split in ("seen", "held"):
            world = Episodes(5, LEVELS[-1], word_split=split).world
            drawn = {draw() for draw in (world.attribute, world.kind, world.action) for _ in range(1000)}
            self.assertEqual({words.is_held_out(w) for w in drawn}, {split == "held"})

    def test_a_call_is_one_of_the_offered_and_copies_the_request(self):
        for episode in made(1500):
            by_role = {turn.role: turn for turn in reversed(episode)}
            for turn in episode:
                if turn.kind != "call":
                    continue
                parts = dict((kind, text) for text, kind in turn.parts)
                self.assertIn(parts[episodes.NAME], by_role["tools"].names)
                self.assertEqual(sum(by_role["tools"].wanted), 1)
                self.assertIn(parts[episodes.ARGUMENT], by_role["user"].text)

    def test_the_model_was_evaluated_on_these_prompts(self):
        catalogue = episodes.catalogue()
        digest = hashlib.sha256(repr(sorted(catalogue.items())).encode()).hexdigest()[:16]
        card = (ROOT / "model" / "nano" / "README.md").read_text()
        self.assertIn("prompt catalogue " + digest, card,
                      "planner/prompts changed: evaluate the model again (model/nano/README.md), then record " + digest)


if __name__ == "__main__":
    unittest.main()
