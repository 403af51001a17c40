"""What every provider must pass, whoever answers it: subclass `ProviderContract` and give it a fixture `service`.

    class TestComfy(ProviderContract):
        size_px = (64, 96)

        @pytest.fixture
        def service(self, tmp_path):
            with running_server() as server:
                yield server

What a service is stands in contract_service.py.
"""

from tests.assets.providers.contract_answers import Answers
from tests.assets.providers.contract_faults import Faults


class ProviderContract(Answers, Faults):
    """All of it, and every fault of contract_service.FAULTS, but those in `never`."""
