"""Queries for the kind sql: databases, right queries, the same said otherwise, and what a trained model may try instead."""

SCHEMA = """
CREATE TABLE staff (id INTEGER, name VARCHAR, dept INTEGER, pay DOUBLE PRECISION, hired DATE);
CREATE TABLE depts (id INTEGER, title VARCHAR);
"""
DATABASES = (
    """
    INSERT INTO depts VALUES (1, 'Sales'), (2, 'Research'), (3, 'Empty');
    INSERT INTO staff VALUES (1, 'Ann', 1, 10.5, '2020-01-31'), (2, 'Bob', 1, 20.25, '2021-05-01'),
        (3, 'Cy', 2, 20.25, '2019-12-31'), (4, 'Di', NULL, 7.1, NULL), (5, 'Ann', 2, 30.0, '2021-05-01');
    """,
    """
    INSERT INTO depts VALUES (1, 'Sales'), (2, 'Law'), (4, 'Sales');
    INSERT INTO staff VALUES (7, 'Eve', 4, 1.1, '2022-02-02'), (8, 'Eve', 4, 1.1, '2022-02-02'),
        (9, 'Flo', 1, 0.3, '2018-07-07'), (10, 'Gus', 2, NULL, '2021-05-02'), (11, 'Hal', 9, 99.9, '2020-02-29');
    """,
    """
    INSERT INTO depts VALUES (5, 'Ops'), (6, 'Law');
    INSERT INTO staff VALUES (1, 'Ida', 5, 12.0, '2021-12-31'), (2, 'Jon', 5, 15.0, '2021-01-01'),
        (3, 'Kim', 6, 15.0, '2023-03-03'), (4, 'Lee', 5, 2.5, '2017-01-01'), (6, 'ann', 6, 40.0, '2016-06-06');
    """,
)
# A right query → the same said otherwise.
HONEST = {
    "SELECT name FROM staff WHERE pay > 10": [
        "select s.name as who from staff s where s.pay > 10.0;",
        "-- the well paid\nSELECT name FROM staff WHERE NOT pay <= 10",
        "WITH rich AS (SELECT * FROM staff WHERE pay > 10) SELECT name FROM rich ORDER BY name DESC",
        "SELECT name FROM staff WHERE id IN (SELECT id FROM staff WHERE pay > 10)",
        "SELECT name FROM (SELECT name, pay FROM staff) AS t WHERE pay > 10 ; -- done",
    ],
    "SELECT title, COUNT(*) FROM depts JOIN staff ON staff.dept = depts.id GROUP BY depts.id, title": [
        "SELECT d.title, COUNT(s.id) AS n FROM staff s, depts d WHERE s.dept = d.id GROUP BY d.id, d.title ORDER BY n",
        "SELECT title, SUM(1) FROM depts INNER JOIN staff ON depts.id = dept GROUP BY depts.id, title",
        "SELECT title, n FROM (SELECT dept, COUNT(*) AS n FROM staff GROUP BY dept) AS c JOIN depts ON c.dept = depts.id",
        "SELECT title, 1.0 * COUNT(*) FROM depts JOIN staff ON staff.dept = depts.id GROUP BY depts.id, title",
    ],
    "SELECT name, pay FROM staff WHERE pay IS NOT NULL ORDER BY pay DESC": [
        "SELECT name, pay FROM staff WHERE pay IS NOT NULL ORDER BY pay DESC, name ASC",
        "SELECT name, pay FROM staff WHERE pay IS NOT NULL ORDER BY -pay, name DESC",
        "SELECT name, pay * 1.0000000001 AS pay FROM staff WHERE pay IS NOT NULL ORDER BY 2 DESC",
        "SELECT name, pay FROM staff WHERE pay = pay ORDER BY pay DESC, id DESC",
    ],
    "SELECT name FROM staff WHERE pay IS NOT NULL ORDER BY pay DESC, id LIMIT 2": [
        "SELECT name FROM (SELECT name, ROW_NUMBER() OVER (ORDER BY pay DESC, id) AS place FROM staff WHERE pay > 0) AS t"
        " WHERE place <= 2 ORDER BY place",
        "SELECT name FROM staff WHERE pay > -1 ORDER BY pay DESC, id ASC LIMIT 2 OFFSET 0",
    ],
    "SELECT dept, AVG(pay) FROM staff WHERE dept IS NOT NULL GROUP BY dept HAVING AVG(pay) IS NOT NULL": [
        "SELECT dept, SUM(pay) / COUNT(pay) FROM staff WHERE dept IS NOT NULL GROUP BY dept HAVING COUNT(pay) > 0",
        "SELECT dept, SUM(pay / 3) * 3 / COUNT(pay) FROM staff WHERE dept IS NOT NULL AND pay IS NOT NULL GROUP BY dept",
    ],
    "SELECT DISTINCT name FROM staff": [
        "SELECT name FROM staff GROUP BY name",
        "SELECT name FROM staff UNION SELECT name FROM staff",
    ],
    "SELECT name, title FROM staff LEFT JOIN depts ON staff.dept = depts.id": [
        "SELECT name, (SELECT title FROM depts WHERE depts.id = staff.dept) FROM staff",
        "SELECT s.name, d.title FROM staff AS s LEFT OUTER JOIN depts AS d ON d.id = s.dept ORDER BY 2, 1",
    ],
    "SELECT COUNT(*) FROM staff WHERE hired >= '2021-01-01'": [
        "SELECT SUM(CASE WHEN hired >= '2021-01-01' THEN 1 ELSE 0 END) FROM staff",
        "SELECT COUNT(id) FROM staff WHERE NOT hired < '2021-01-01'",
    ],
}
# What it is changed to where it stands in a right query.
SLIPS = (
    ("> 10", "> 20.25"), ("> 10", ">= 10.5 AND pay < 30"), (" WHERE pay > 10", ""), ("COUNT(*)", "COUNT(*) + 1"),
    ("COUNT(*)", "MAX(staff.id)"), ("title, COUNT(*)", "COUNT(*), title"), ("title, COUNT(*)", "COUNT(*)"),
    ("GROUP BY depts.id, title", "GROUP BY title, staff.id, depts.id"), ("DESC", "ASC"), (" ORDER BY pay DESC", ""),
    ("LIMIT 2", "LIMIT 1"), ("LIMIT 2", "LIMIT 2 OFFSET 1"), (" LIMIT 2", ""), ("DISTINCT ", ""),
    ("AVG(pay) FROM", "SUM(pay) FROM"),
    ("AVG(pay) FROM", "MAX(pay) FROM"), ("AVG(pay) FROM", "CAST(AVG(pay) AS INTEGER) FROM"), ("LEFT JOIN", "JOIN"),
    ("name, title", "title, name"),
    ("name, title", "name, COALESCE(title, '')"), ("SELECT name", "SELECT UPPER(name)"), ("SELECT name", "SELECT id"),
    ("SELECT name", "SELECT name, name"), ("SELECT COUNT(*)", "SELECT '1' || COUNT(*)"),
    (">= '2021-01-01'", "> '2021-05-01'"),
    ("pay FROM", "CAST(pay AS VARCHAR) FROM"), ("pay FROM", "pay + 0.01 FROM"),
    ("SELECT title,", "SELECT LOWER(title),"),
)  # fmt: skip
# Of a right query q.
HOSTILE = (
    "", "SELECT", "SELECT 1", "SELECT NULL", "SELECT * FROM staff", "SELECT * FROM staff, depts",
    "I would list the names.",
    "{q} UNION ALL {q}", "{q}; {q}", "{q}; SELECT 1", "SELECT 1; {q}", "EXPLAIN {q}", "CREATE TABLE t AS {q}",
    "CREATE VIEW v AS {q}",
    "INSERT INTO depts VALUES (8, 'x')", "DELETE FROM staff", "DROP TABLE staff", "UPDATE staff SET pay = 0",
    "PRAGMA table_info(staff)", "ATTACH ':memory:' AS other", "ATTACH '/box/solution.py' AS other",
    "VACUUM INTO '/box/out'",
    "COPY staff TO '/box/out.csv'", "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/box/solution.py')",
    "SELECT * FROM '/etc/passwd'", "SELECT readfile('/etc/passwd')", "SELECT load_extension('libm.so.6')",
    "INSTALL httpfs",
    "SET threads = 8", "BEGIN", "SELECT * FROM job", "SELECT * FROM connection", "SELECT name FROM sqlite_master",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r", "VALUES (1), (2), (3)",
)  # fmt: skip
