"""Facets: rows of each origin by the values of columns."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.dataset.facet_specs import MAX_VALUES, Facet
from crawler.dataset.files import DatasetError
from crawler.dataset.inventory import inventory

STAMP = pa.timestamp("us")


def counted(path, *facets, **options):
    """Return the totals of all facets, and the rows by origin."""
    with inventory(path, facets=[Facet(*facet) for facet in facets], **options) as found:
        origins = {o.origin.host: o.rows for o in found.origins()}
        rows = list(found.facets.rows())
        totals = {(f, v): n for f, v, n in found.facets.totals()}
    for name, _ in facets:
        assert sum(n for (f, _), n in totals.items() if f == name) == found.rows
        for host, total in origins.items():
            assert sum(r.rows for r in rows if r.facet == name and r.key == host) == total
    return totals, [tuple(row) for row in rows]


def table(tmp_path, **columns):
    path = tmp_path / "d.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_rows_of_an_origin_by_value(tmp_path):
    path = table(
        tmp_path,
        url=["a.example/1", "https://A.example/2", "b.example", "mailto:x", "b.example"],
        lang=["en", "de", "de", "de", None],
        n=[1.5, 2.0, 4.0, 8.0, None],
    )
    totals, rows = counted(path, ("language", "lang"), weight_column="n")
    assert totals == {("language", ""): 1, ("language", "de"): 3, ("language", "en"): 1}
    assert rows == [
        ("b.example", "language", "", 1, 0.0),
        ("a.example", "language", "de", 1, 2.0),
        ("b.example", "language", "de", 1, 4.0),
        ("a.example", "language", "en", 1, 1.5),
    ]


YEARS = {
    "ISO dates": (["2024-03-01", "2023-12-31"], ["2024", "2023"]),
    "years and months as text": (["2024", "2023-12"], ["2024", "2023"]),
    "times": (["2024-03-01T10:00:00Z", "2023-12-31 23:59:59"], ["2024", "2023"]),
    "dates without hyphens": (["20240301", "20231231T101112"], ["2024", "2023"]),
    "white space": ([" 2024-03-01", "\t2023"], ["2024", "2023"]),
    "no dates": (["March 2024", "12024", "1709251200", "2024-13"], ["", "", "", "2024"]),
    "years": (pa.array([2024, 12, None]), ["2024", "", ""]),
    "numbers as dates": (pa.array([20240301, 1709251200]), ["2024", ""]),
    "days": (pa.array([19783, None], pa.date32()), ["2024", ""]),
    "moments": (pa.array([1709251200000000], STAMP), ["2024"]),
    "moments with a zone": (pa.array([1709251200000000], pa.timestamp("us", "UTC")), ["2024"]),
}


@pytest.mark.parametrize("kind", YEARS)
def test_years_of_a_column_with_dates(tmp_path, kind):
    dates, years = YEARS[kind]
    path = table(tmp_path, url=[f"h{n}.example" for n in range(len(dates))], date=dates)
    _, rows = counted(path, ("year", "date"))
    assert [row[2] for row in sorted(rows)] == years


def test_values_beyond_the_most_frequent_are_others(tmp_path):
    values = [f"v{n:03}" for n in range(MAX_VALUES + 50)]
    values += values[50:]  # the first fifty have one row each, the others two
    path = table(tmp_path, url=["a.example/x"] * len(values), kind=values)
    totals, rows = counted(path, ("kind", "kind"))
    assert len(totals) == MAX_VALUES + 1
    assert totals["kind", "other"] == 50
    assert ("a.example", "kind", "other", 50, None) in rows


def test_a_value_that_is_called_other_is_one_of_them(tmp_path):
    values = ["other"] * 3 + [f"v{n:03}" for n in range(MAX_VALUES + 1)]
    path = table(tmp_path, url=["a.example/x"] * len(values), kind=values)
    assert counted(path, ("kind", "kind"))[0]["kind", "other"] == 5


def test_values_that_look_like_sql(tmp_path):
    path = table(tmp_path, url=["a.example"] * 3, kind=["'; DROP TABLE x", "\\", "ü\n"])
    assert set(counted(path, ("kind", "kind"))[0]) == {
        ("kind", "'; DROP TABLE x"),
        ("kind", "\\"),
        ("kind", "ü"),
    }


def test_several_facets_and_many_origins(tmp_path):
    path = tmp_path / "d.parquet"
    duckdb.execute(
        "COPY (SELECT 'https://h' || i % 97 || '.example/' || i AS url, 'l' || i % 7 AS lang, "
        "i % 3 = 0 AS flag, (2000 + i % 11)::VARCHAR AS date FROM range(5000) AS t (i)) "
        f"TO '{path}' (FORMAT parquet)"
    )
    totals, rows = counted(path, ("lang", "lang"), ("flag", "flag"), ("year", "date"))
    assert totals["flag", "true"] == 1667
    assert len([row for row in rows if row[1] == "year"]) == 97 * 11


@pytest.mark.parametrize(
    ("facets", "message"),
    [
        ([("x", "nothing")], "There is no column nothing"),
        ([(f"f{n}", "url") for n in range(6)], "at most 5"),
        ([("a", "url"), ("a", "lang")], "one name"),
    ],
)
def test_facets_that_cannot_be_counted(tmp_path, facets, message):
    path = table(tmp_path, url=["a.example"], lang=["en"])
    with pytest.raises(DatasetError, match=message):
        counted(path, *facets)


def test_the_dates_of_collection(tmp_path):
    path = table(
        tmp_path, url=["a.example"] * 3, date=["2024-03-02", None, "2023-11-05"], no=[1, 2, 3]
    )
    with inventory(path, collected_column="date") as found:
        assert found.collected == ("2023-11-05", "2024-03-02")
    with pytest.raises(DatasetError, match="The column no holds no dates"):
        inventory(path, collected_column="no")


def test_facets_of_nested_columns_and_lists(tmp_path):
    rows = [
        {"meta": {"lang": "en", "day": "2024-03-01"}, "images": [{"url": "a.example/1"}] * 2},
        {"meta": {"lang": "de", "day": None}, "images": []},
    ]
    path = tmp_path / "d.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    facets = (("lang", "meta.lang"), ("year", "meta.day"))
    totals, by_origin = counted(path, *facets, url_column="images[].url")
    assert totals == {
        ("lang", "de"): 1,
        ("lang", "en"): 2,
        ("year", ""): 1,
        ("year", "2024"): 2,
    }
    assert by_origin == [
        ("a.example", "lang", "en", 2, None),
        ("a.example", "year", "2024", 2, None),
    ]


def test_facets_of_two_columns_with_roles(tmp_path):
    path = table(
        tmp_path, page=["a.example", "a.example"], image=["b.example", ""], lang=["en", "de"]
    )
    columns = ("page=page", "asset=image")
    with inventory(path, url_column=columns, facets=[Facet("lang", "lang")]) as found:
        assert sorted(tuple(row) for row in found.facets.rows()) == [
            ("a.example", "lang", "de", 1, None),
            ("a.example", "lang", "en", 1, None),
            ("b.example", "lang", "en", 1, None),
        ]
        assert sum(n for _, _, n in found.facets.totals()) == found.rows == 4


def test_a_facet_of_a_list_is_refused(tmp_path):
    path = table(tmp_path, url=["a.example"], tags=[["x", "y"]])
    with pytest.raises(DatasetError, match="holds lists"):
        counted(path, ("tags", "tags"))
