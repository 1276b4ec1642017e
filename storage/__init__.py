"""What we keep: the database, the recordings and the durable jobs. Start with `database`, then `unit_of_work` and `tables`.

Implements `bridge.ports`: `Database` is the Store, `FolderRecordings` and `BucketRecordings` the RecordingStore, `DurableJobs` the Jobs. Nothing outside this
package knows SQLAlchemy, Alembic or DBOS.
"""
