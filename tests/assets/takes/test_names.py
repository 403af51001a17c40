"""What a take's name means."""

import pytest

from assets.people.characters import load_character
from assets.takes.names import first_piece_seed, first_seed, seed_of, take_name, take_number
from pipeline.errors import AssetError


def test_names_count_seeds_from_the_identitys_first():
    first = first_seed(load_character("legionary").direction.seed)

    assert [seed_of(first, take_name(n)) for n in (1, 2, 3)] == [1, 2, 3]
    assert seed_of(first_seed(700), "t02") == 701
    assert seed_of(first_piece_seed(5 * 1_000_003 + 9), "t01") == 10  # the piece's own seed is 9, whatever the shot's


def test_a_name_says_its_number():
    assert [take_number(take_name(n)) for n in range(1, 65)] == list(range(1, 65))


@pytest.mark.parametrize("name", ["t1", "t00", "t65", "T01", "t01 ", "../t01", ""])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(AssetError, match=r"is no take's name\. Write t01 to t64"):
        take_number(name)
