-- A kept version has fewer rows than when it was published: some were taken out since, as ops.forget_receipts says.
update ops.published
set
    tables = @tables,
    row_count = cast(@rows as int64)
where version = @version
