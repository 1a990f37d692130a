"""Makes the tables of a template at DynamoDB Local, and brings older ones to what the template says today."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from runtime.resources import Change, Place, error_code, named
from runtime.template import Identity, TemplateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

_ACTIVE_SECONDS_MAX = 20.0


class Table:
    """AWS::DynamoDB::Table."""

    _created_with = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
    applied = frozenset({*_created_with, "TableName", "StreamSpecification", "TimeToLiveSpecification"})
    only_in_the_cloud = frozenset(
        {
            "ContributorInsightsSpecification",
            "DeletionProtectionEnabled",
            "OnDemandThroughput",
            "PointInTimeRecoverySpecification",
            "SSESpecification",
            "TableClass",
            "Tags",
            "WarmThroughput",
        }
    )

    def planned(self, properties: Mapping[str, Any], place: Place) -> Identity:
        name = named(properties, "TableName")
        arn = place.arn("dynamodb", f"table/{name}")
        return Identity(name, {"Arn": arn, "StreamArn": f"{arn}/stream/planned"})

    def apply(self, properties: Mapping[str, Any], place: Place) -> tuple[Identity, Change]:
        name = named(properties, "TableName")
        description = self._described(name, place)
        change: Change = "unchanged"
        if description is None:
            request = {key: properties[key] for key in self._created_with if key in properties}
            stream = self._stream(properties)
            if stream:
                request["StreamSpecification"] = stream
            place.dynamodb.create_table(TableName=name, **request)
            change = "created"
        elif self._brought_up_to_date(name, description, properties, place):
            change = "changed"
        if self._time_to_live(name, properties, place) and change == "unchanged":
            change = "changed"
        description = self._active(name, place)
        attributes = {"Arn": description["TableArn"]}
        if description.get("LatestStreamArn"):
            attributes["StreamArn"] = description["LatestStreamArn"]
        return Identity(name, attributes), change

    def _described(self, name: str, place: Place) -> TableDescriptionTypeDef | None:
        try:
            return place.dynamodb.describe_table(TableName=name)["Table"]
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return None
            raise

    def _stream(self, properties: Mapping[str, Any]) -> dict[str, Any] | None:
        written = properties.get("StreamSpecification")
        # CloudFormation has no StreamEnabled: naming the view is enabling it. The API wants both.
        return {"StreamEnabled": True, "StreamViewType": written["StreamViewType"]} if written else None

    def _brought_up_to_date(
        self, name: str, stored: TableDescriptionTypeDef, properties: Mapping[str, Any], place: Place
    ) -> bool:
        """Adds what an older table lacks. Keys cannot change in place, here as in the cloud (TemplateError)."""
        if _keys(stored["KeySchema"]) != _keys(properties["KeySchema"]):
            raise TemplateError(f"the table {name} has other keys than the template says: `make clean` forgets it")
        changed = False
        stream = self._stream(properties)
        if stream and not stored.get("StreamSpecification", {}).get("StreamEnabled"):
            place.dynamodb.update_table(TableName=name, StreamSpecification=stream)  # type: ignore[arg-type]
            self._active(name, place)
            changed = True
        there = {index["IndexName"]: index for index in stored.get("GlobalSecondaryIndexes", [])}
        for index in properties.get("GlobalSecondaryIndexes", []):
            if index["IndexName"] not in there:
                place.dynamodb.update_table(
                    TableName=name,
                    AttributeDefinitions=properties["AttributeDefinitions"],
                    GlobalSecondaryIndexUpdates=[{"Create": index}],
                )
                self._active(name, place)
                changed = True
            elif _keys(there[index["IndexName"]]["KeySchema"]) != _keys(index["KeySchema"]):
                raise TemplateError(f"the index {index['IndexName']} of {name} has other keys: `make clean` forgets it")
        return changed

    def _time_to_live(self, name: str, properties: Mapping[str, Any], place: Place) -> bool:
        wanted = properties.get("TimeToLiveSpecification")
        if not wanted or not wanted.get("Enabled", True):
            return False
        self._active(name, place)
        stored = place.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if stored.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"):
            if stored.get("AttributeName") != wanted["AttributeName"]:
                raise TemplateError(f"the table {name} expires its items by another attribute: `make clean` forgets it")
            return False
        place.dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": wanted["AttributeName"]}
        )
        return True

    def _active(self, name: str, place: Place) -> TableDescriptionTypeDef:
        deadline = time.monotonic() + _ACTIVE_SECONDS_MAX
        while time.monotonic() < deadline:
            description = self._described(name, place)
            if description is not None:
                states = [description.get("TableStatus")]
                states += [index.get("IndexStatus") for index in description.get("GlobalSecondaryIndexes", [])]
                if all(state == "ACTIVE" for state in states):
                    return description
            time.sleep(0.05)
        raise TemplateError(f"the table {name} did not become active within {_ACTIVE_SECONDS_MAX:.0f} s")


def _keys(schema: Any) -> set[tuple[str, str]]:
    return {(part["AttributeName"], part["KeyType"]) for part in schema}
