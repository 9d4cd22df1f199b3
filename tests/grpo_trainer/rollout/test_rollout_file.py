from grpo_trainer.rollout.rollout_file import append_rows, drop_rows_after, read_rows


def rows(*steps):
    return [{"step": step, "completion": f"思考 {step}\n\x00"} for step in steps]


def test_what_is_appended_is_read_back_in_order(tmp_path):
    path = tmp_path / "rollouts.jsonl.zst"
    append_rows(path, rows(1, 1))
    append_rows(path, rows(2))
    assert list(read_rows(path)) == rows(1, 1, 2)


def test_a_frame_that_was_cut_off_loses_itself_alone(tmp_path):
    path = tmp_path / "rollouts.jsonl.zst"
    append_rows(path, rows(1, 2))
    whole = path.read_bytes()
    append_rows(path, rows(*range(3, 400)))
    path.write_bytes(path.read_bytes()[: len(whole) + 40])
    assert list(read_rows(path))[:2] == rows(1, 2)
    drop_rows_after(path, 1)
    append_rows(path, rows(2))
    assert list(read_rows(path)) == rows(1, 2)


def test_half_a_character_of_a_model_is_no_error(tmp_path):
    path = tmp_path / "rollouts.jsonl.zst"
    append_rows(path, [{"step": 1, "completion": "\ud83d"}])
    assert [row["step"] for row in read_rows(path)] == [1]


def test_no_file_has_no_rows(tmp_path):
    path = tmp_path / "rollouts.jsonl.zst"
    drop_rows_after(path, 3)
    assert list(read_rows(path)) == []
