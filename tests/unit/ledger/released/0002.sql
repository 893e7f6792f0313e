BEGIN TRANSACTION;
CREATE TABLE accounts (
	account TEXT NOT NULL, 
	definition TEXT NOT NULL, 
	spent_pico TEXT NOT NULL, 
	spent_atto TEXT NOT NULL, 
	reserved_pico TEXT NOT NULL, 
	reserved_atto TEXT NOT NULL, 
	CONSTRAINT pk_accounts PRIMARY KEY (account)
);
INSERT INTO "accounts" VALUES('population:nafld','zcdp','000000000000000000000000000000000000000000000000000000000130','000000000000000000000000000000000000000000000000000000000002','000000000000000000000000000000000000000000000000000000000070','000000000000000000000000000000000000000000000000000000000002');
INSERT INTO "accounts" VALUES('dataset:nafld','zcdp','000000000000000000000000000000000000000000000000000000000130','000000000000000000000000000000000000000000000000000000000002','000000000000000000000000000000000000000000000000000000000070','000000000000000000000000000000000000000000000000000000000002');
INSERT INTO "accounts" VALUES('project:liver/nafld','zcdp','000000000000000000000000000000000000000000000000000000000130','000000000000000000000000000000000000000000000000000000000002','000000000000000000000000000000000000000000000000000000000050','000000000000000000000000000000000000000000000000000000000001');
INSERT INTO "accounts" VALUES('project:heart/nafld','zcdp','000000000000000000000000000000000000000000000000000000000000','000000000000000000000000000000000000000000000000000000000000','000000000000000000000000000000000000000000000000000000000020','000000000000000000000000000000000000000000000000000000000001');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE answers (
	id TEXT NOT NULL, 
	content TEXT NOT NULL, 
	CONSTRAINT pk_answers PRIMARY KEY (id), 
	CONSTRAINT fk_answers_id FOREIGN KEY(id) REFERENCES spends (id)
);
INSERT INTO "answers" VALUES('q-ypu4e3wla443ksqz','{"document":{"errors":[1.5,null]},"noisy":{"keys":[["a",1,true,null],["b",2,false,null]],"columns":[[5,-7],[4611686018427387904,0]],"units":[9,8]}}');
CREATE TABLE counters (
	name TEXT NOT NULL, 
	value INTEGER NOT NULL, 
	CONSTRAINT pk_counters PRIMARY KEY (name)
);
INSERT INTO "counters" VALUES('registry',6);
CREATE TABLE entries (
	seq INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	at TEXT NOT NULL, 
	body TEXT NOT NULL, 
	prev_digest TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_entries PRIMARY KEY (seq)
);
INSERT INTO "entries" VALUES(1,'user.added','operator','2026-03-01T12:00:00.000000+00:00','{"actor":"operator","at":"2026-03-01T12:00:00.000000+00:00","detail":{"name":"carol","project":null,"role":"custodian"},"kind":"user.added","seq":1}','0000000000000000000000000000000000000000000000000000000000000000','689b5417722acde8a3ca919e7475480c35d80f0f73c76807276f0c3e607b6dc0');
INSERT INTO "entries" VALUES(2,'user.added','carol','2026-03-01T12:00:00.000000+00:00','{"actor":"carol","at":"2026-03-01T12:00:00.000000+00:00","detail":{"name":"alice","project":"liver","role":"researcher"},"kind":"user.added","seq":2}','689b5417722acde8a3ca919e7475480c35d80f0f73c76807276f0c3e607b6dc0','ed486ab3a8ebc081fac79628114bc7c6c6356f16fcd838f2cc781714bbbc1bee');
INSERT INTO "entries" VALUES(3,'token.issued','alice','2026-03-01T12:00:00.000000+00:00','{"actor":"alice","at":"2026-03-01T12:00:00.000000+00:00","detail":{"expires_at":null,"id":"t-1a52cec92362","name":"alice"},"kind":"token.issued","seq":3}','ed486ab3a8ebc081fac79628114bc7c6c6356f16fcd838f2cc781714bbbc1bee','53ab1d9409c6700f25e4a9f65c8817dd00c67cbfca5f5b3661754eb8a80f24e9');
INSERT INTO "entries" VALUES(4,'policy.added','carol','2026-03-01T12:00:00.000000+00:00','{"actor":"carol","at":"2026-03-01T12:00:00.000000+00:00","detail":{"digest":"digest-1","kind":"dataset","name":"nafld","text_sha256":"f35fde18a2e377c2d05ad09851909ea4b1d977bd5c7ee1e1f440edcfeb3abf43","version":1},"kind":"policy.added","seq":4}','53ab1d9409c6700f25e4a9f65c8817dd00c67cbfca5f5b3661754eb8a80f24e9','250a749bb203674a25ff1eaefbf3ef5ccbb644bef1162dc3769d7b8140083de7');
INSERT INTO "entries" VALUES(5,'policy.added','carol','2026-03-01T12:01:00.000000+00:00','{"actor":"carol","at":"2026-03-01T12:01:00.000000+00:00","detail":{"digest":"digest-2","kind":"dataset","name":"nafld","text_sha256":"5b35bc85817efee8b1ee209d2d7e786d35e8cdf5afddaadb81019a45c5c6e58c","version":2},"kind":"policy.added","seq":5}','250a749bb203674a25ff1eaefbf3ef5ccbb644bef1162dc3769d7b8140083de7','3ed6954ca41bb5db65bc9349dff8554ded7230badf21544f7b9a818b184500b6');
INSERT INTO "entries" VALUES(6,'policy.added','carol','2026-03-01T12:00:00.000000+00:00','{"actor":"carol","at":"2026-03-01T12:00:00.000000+00:00","detail":{"digest":"digest-3","kind":"project","name":"liver","text_sha256":"8d24f5bc0a858d02c625ad2ee5650d947963bc3086eeca94926f51a8295159f2","version":1},"kind":"policy.added","seq":6}','3ed6954ca41bb5db65bc9349dff8554ded7230badf21544f7b9a818b184500b6','6b32a1d4d187f20bcca44d8f3ccb9dfdd08b570a64d84af6389e5ebb6b1a62a1');
INSERT INTO "entries" VALUES(7,'snapshot.added','carol','2026-03-01T12:00:00.000000+00:00','{"actor":"carol","at":"2026-03-01T12:00:00.000000+00:00","detail":{"commitment":"f6de6d840c4e4b465726e70b308a6569dcd82e25e38cf59de3089f90170440d6","dataset":"nafld","serial":1},"kind":"snapshot.added","seq":7}','6b32a1d4d187f20bcca44d8f3ccb9dfdd08b570a64d84af6389e5ebb6b1a62a1','2a0d84d9c86fcb24e41916a4ff1c54f3f6daabc4757e15194f3a5ab20297eaed');
INSERT INTO "entries" VALUES(8,'state.changed','carol','2026-03-01T12:00:00.000000+00:00','{"actor":"carol","at":"2026-03-01T12:00:00.000000+00:00","detail":{"kind":"dataset","name":"nafld","reason":"an incident","state":"paused"},"kind":"state.changed","seq":8}','2a0d84d9c86fcb24e41916a4ff1c54f3f6daabc4757e15194f3a5ab20297eaed','6b2cc6ba4cc25d8ce7339b77951bbacc554286f92e21d7816857e0570b62821d');
INSERT INTO "entries" VALUES(9,'state.changed','carol','2026-03-01T12:00:00.000000+00:00','{"actor":"carol","at":"2026-03-01T12:00:00.000000+00:00","detail":{"kind":"dataset","name":"nafld","reason":"resolved","state":"active"},"kind":"state.changed","seq":9}','6b2cc6ba4cc25d8ce7339b77951bbacc554286f92e21d7816857e0570b62821d','0f47df4a6b9235a40a03f33ca2902c1a478f8679db0682c2b7ef63fab0f38499');
INSERT INTO "entries" VALUES(10,'spend.reserved','alice','2026-03-01T12:00:00.000000+00:00','{"actor":"alice","at":"2026-03-01T12:00:00.000000+00:00","detail":{"caps":{"dataset":{"atto_delta":"10","definition":"zcdp","pico":"1000"},"population":{"atto_delta":"10","definition":"zcdp","pico":"1000"},"project":{"atto_delta":"10","definition":"zcdp","pico":"1000"}},"dataset":"nafld","id":"q-ypu4e3wla443ksqz","plan_digest":"answered","policy_digest":"policy-digest","population":"nafld","price":{"atto_delta":"1","definition":"zcdp","pico":"100"},"project":"liver","snapshot":1},"kind":"spend.reserved","seq":10}','0f47df4a6b9235a40a03f33ca2902c1a478f8679db0682c2b7ef63fab0f38499','ae7556d975ed6bbf872ba52f31d56588b89c2ec5380c70915807d64381171265');
INSERT INTO "entries" VALUES(11,'spend.posted','alice','2026-03-01T12:01:00.000000+00:00','{"actor":"alice","at":"2026-03-01T12:01:00.000000+00:00","detail":{"answer":"8c02b70d7abf6853a5fadc26538dd9a3c323e270591e196fbc0c0afea654c878","id":"q-ypu4e3wla443ksqz","outcome":"pass"},"kind":"spend.posted","seq":11}','ae7556d975ed6bbf872ba52f31d56588b89c2ec5380c70915807d64381171265','a9be6cbb740efe0c99f6cf024bf59612270d5291064c35e62c5183f66b6897c2');
INSERT INTO "entries" VALUES(12,'spend.reserved','alice','2026-03-02T12:00:00.000000+00:00','{"actor":"alice","at":"2026-03-02T12:00:00.000000+00:00","detail":{"caps":{"dataset":{"atto_delta":"10","definition":"zcdp","pico":"1000"},"population":{"atto_delta":"10","definition":"zcdp","pico":"1000"},"project":{"atto_delta":"10","definition":"zcdp","pico":"1000"}},"dataset":"nafld","id":"q-dinawdlphbm46e73","plan_digest":"faulted","policy_digest":"policy-digest","population":"nafld","price":{"atto_delta":"1","definition":"zcdp","pico":"30"},"project":"liver","snapshot":1},"kind":"spend.reserved","seq":12}','a9be6cbb740efe0c99f6cf024bf59612270d5291064c35e62c5183f66b6897c2','4bc4e339e9c993f600d90aed5091c4cc2e56771c83ce630aa284933c2356ebce');
INSERT INTO "entries" VALUES(13,'spend.posted','alice','2026-03-02T12:01:00.000000+00:00','{"actor":"alice","at":"2026-03-02T12:01:00.000000+00:00","detail":{"answer":null,"id":"q-dinawdlphbm46e73","outcome":"fault"},"kind":"spend.posted","seq":13}','4bc4e339e9c993f600d90aed5091c4cc2e56771c83ce630aa284933c2356ebce','c6d6376c9556fc4f1e4caf998611ccd26a51df8fc8431d7a08584a2f78821a54');
INSERT INTO "entries" VALUES(14,'spend.reserved','alice','2026-03-02T12:00:00.000000+00:00','{"actor":"alice","at":"2026-03-02T12:00:00.000000+00:00","detail":{"caps":{"dataset":{"atto_delta":"10","definition":"zcdp","pico":"1000"},"population":{"atto_delta":"10","definition":"zcdp","pico":"1000"},"project":{"atto_delta":"10","definition":"zcdp","pico":"1000"}},"dataset":"nafld","id":"q-iqw5wqejl3wey4bq","plan_digest":"voided","policy_digest":"policy-digest","population":"nafld","price":{"atto_delta":"1","definition":"zcdp","pico":"7"},"project":"liver","snapshot":1},"kind":"spend.reserved","seq":14}','c6d6376c9556fc4f1e4caf998611ccd26a51df8fc8431d7a08584a2f78821a54','6880eacf5344c6c14e3d7321859c0a6d322b4b5f5928737ea22b148335fe2293');
INSERT INTO "entries" VALUES(15,'spend.void','alice','2026-03-02T12:00:00.000000+00:00','{"actor":"alice","at":"2026-03-02T12:00:00.000000+00:00","detail":{"cause":"the engine could not be started","id":"q-iqw5wqejl3wey4bq"},"kind":"spend.void","seq":15}','6880eacf5344c6c14e3d7321859c0a6d322b4b5f5928737ea22b148335fe2293','7a25e78d079e57e746e6d34f8d82f7afdac121aaa1755ba042dc13f04bf99524');
INSERT INTO "entries" VALUES(16,'spend.reserved','alice','2026-03-03T12:00:00.000000+00:00','{"actor":"alice","at":"2026-03-03T12:00:00.000000+00:00","detail":{"caps":{"dataset":{"atto_delta":"10","definition":"zcdp","pico":"1000"},"population":{"atto_delta":"10","definition":"zcdp","pico":"1000"},"project":{"atto_delta":"10","definition":"zcdp","pico":"1000"}},"dataset":"nafld","id":"q-cm5jsrfayajn5hrw","plan_digest":"in flight","policy_digest":"policy-digest","population":"nafld","price":{"atto_delta":"1","definition":"zcdp","pico":"50"},"project":"liver","snapshot":1},"kind":"spend.reserved","seq":16}','7a25e78d079e57e746e6d34f8d82f7afdac121aaa1755ba042dc13f04bf99524','101db148ebfb83df8309a0c2564e17e21decb215aed3f2c53dbc5cd4edda3a15');
INSERT INTO "entries" VALUES(17,'spend.reserved','bob','2026-03-03T12:00:00.000000+00:00','{"actor":"bob","at":"2026-03-03T12:00:00.000000+00:00","detail":{"caps":{"dataset":{"atto_delta":"10","definition":"zcdp","pico":"1000"},"population":{"atto_delta":"10","definition":"zcdp","pico":"1000"},"project":{"atto_delta":"10","definition":"zcdp","pico":"1000"}},"dataset":"nafld","id":"q-o65zofs2mfxnblwr","plan_digest":"in flight too","policy_digest":"policy-digest","population":"nafld","price":{"atto_delta":"1","definition":"zcdp","pico":"20"},"project":"heart","snapshot":1},"kind":"spend.reserved","seq":17}','101db148ebfb83df8309a0c2564e17e21decb215aed3f2c53dbc5cd4edda3a15','ee8623b98f4b48501c9250574b6fc40362acc1eb3a10b52e201fde99e7f71a25');
INSERT INTO "entries" VALUES(18,'desk.viewed','carol','2026-03-03T12:00:00.000000+00:00','{"actor":"carol","at":"2026-03-03T12:00:00.000000+00:00","detail":{"item":"i1"},"kind":"desk.viewed","seq":18}','ee8623b98f4b48501c9250574b6fc40362acc1eb3a10b52e201fde99e7f71a25','0ff269f924e363e31647f3746a159ab00d588ab4389115c0e6bcccd75d3b6a6f');
CREATE TABLE policies (
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	at TEXT NOT NULL, 
	entry INTEGER NOT NULL, 
	CONSTRAINT pk_policies PRIMARY KEY (kind, name, version), 
	CONSTRAINT fk_policies_entry FOREIGN KEY(entry) REFERENCES entries (seq)
);
INSERT INTO "policies" VALUES('dataset','nafld',1,'the first text','digest-1','carol','2026-03-01T12:00:00.000000+00:00',4);
INSERT INTO "policies" VALUES('dataset','nafld',2,'the second text','digest-2','carol','2026-03-01T12:01:00.000000+00:00',5);
INSERT INTO "policies" VALUES('project','liver',1,'a project','digest-3','carol','2026-03-01T12:00:00.000000+00:00',6);
CREATE TABLE release_completions (
	release TEXT NOT NULL, 
	checker TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	completed_at TEXT NOT NULL, 
	CONSTRAINT pk_release_completions PRIMARY KEY (release, checker, round), 
	CONSTRAINT fk_release_completions_release FOREIGN KEY(release) REFERENCES releases (id)
);
CREATE TABLE release_history (
	entry INTEGER NOT NULL, 
	release TEXT NOT NULL, 
	at TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	event TEXT NOT NULL, 
	state TEXT NOT NULL, 
	item TEXT, 
	words TEXT NOT NULL, 
	CONSTRAINT pk_release_history PRIMARY KEY (entry), 
	CONSTRAINT fk_release_history_release FOREIGN KEY(release) REFERENCES releases (id), 
	CONSTRAINT fk_release_history_entry FOREIGN KEY(entry) REFERENCES entries (seq)
);
CREATE TABLE release_items (
	release TEXT NOT NULL, 
	id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	form TEXT NOT NULL, 
	name TEXT NOT NULL, 
	note TEXT NOT NULL, 
	receipt TEXT, 
	dataset TEXT, 
	policy_digest TEXT, 
	files TEXT NOT NULL, 
	findings TEXT NOT NULL, 
	content TEXT NOT NULL, 
	approved INTEGER, 
	CONSTRAINT pk_release_items PRIMARY KEY (release, id), 
	CONSTRAINT fk_release_items_release FOREIGN KEY(release) REFERENCES releases (id)
);
CREATE TABLE release_votes (
	release TEXT NOT NULL, 
	item TEXT NOT NULL, 
	checker TEXT NOT NULL, 
	content TEXT NOT NULL, 
	approves INTEGER NOT NULL, 
	rule TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	cast_at TEXT NOT NULL, 
	CONSTRAINT pk_release_votes PRIMARY KEY (release, item, checker, content), 
	CONSTRAINT fk_release_votes_release FOREIGN KEY(release) REFERENCES releases (id)
);
CREATE TABLE releases (
	id TEXT NOT NULL, 
	project TEXT NOT NULL, 
	author TEXT NOT NULL, 
	title TEXT NOT NULL, 
	context TEXT NOT NULL, 
	state TEXT NOT NULL, 
	lane TEXT, 
	lane_reason TEXT, 
	tier TEXT, 
	round INTEGER NOT NULL, 
	stage_round INTEGER NOT NULL, 
	consolidating INTEGER NOT NULL, 
	appealed_round INTEGER, 
	created_at TEXT NOT NULL, 
	changed_at TEXT NOT NULL, 
	decision_entry INTEGER, 
	decision_digest TEXT, 
	bundle TEXT, 
	CONSTRAINT pk_releases PRIMARY KEY (id), 
	CONSTRAINT fk_releases_decision_entry FOREIGN KEY(decision_entry) REFERENCES entries (seq)
);
CREATE TABLE snapshots (
	dataset TEXT NOT NULL, 
	serial INTEGER NOT NULL, 
	salt BLOB NOT NULL, 
	fingerprint TEXT NOT NULL, 
	at TEXT NOT NULL, 
	entry INTEGER NOT NULL, 
	CONSTRAINT pk_snapshots PRIMARY KEY (dataset, serial), 
	CONSTRAINT fk_snapshots_entry FOREIGN KEY(entry) REFERENCES entries (seq)
);
INSERT INTO "snapshots" VALUES('nafld',1,X'73616C74','fingerprint','2026-03-01T12:00:00.000000+00:00',7);
CREATE TABLE spends (
	id TEXT NOT NULL, 
	state TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	project TEXT NOT NULL, 
	dataset TEXT NOT NULL, 
	population TEXT NOT NULL, 
	snapshot INTEGER NOT NULL, 
	plan_digest TEXT NOT NULL, 
	policy_digest TEXT NOT NULL, 
	definition TEXT NOT NULL, 
	pico TEXT NOT NULL, 
	atto TEXT NOT NULL, 
	caps TEXT NOT NULL, 
	question TEXT NOT NULL, 
	idempotency_key TEXT, 
	reserved_at TEXT NOT NULL, 
	reserve_entry INTEGER NOT NULL, 
	ended_at TEXT, 
	end_entry INTEGER, 
	outcome TEXT NOT NULL, 
	left_pico TEXT, 
	left_atto TEXT, 
	CONSTRAINT pk_spends PRIMARY KEY (id), 
	CONSTRAINT fk_spends_reserve_entry FOREIGN KEY(reserve_entry) REFERENCES entries (seq), 
	CONSTRAINT fk_spends_end_entry FOREIGN KEY(end_entry) REFERENCES entries (seq), 
	CONSTRAINT ck_spends_ck_spends_state CHECK (state IN ('reserved', 'posted', 'void'))
);
INSERT INTO "spends" VALUES('q-ypu4e3wla443ksqz','posted','alice','liver','nafld','nafld',1,'answered','policy-digest','zcdp','000000000000000000000000000000000000000000000000000000000100','000000000000000000000000000000000000000000000000000000000001','{"population": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}, "dataset": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}, "project": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}}','SELECT count(*) FROM persons','key-1','2026-03-01T12:00:00.000000+00:00',10,'2026-03-01T12:01:00.000000+00:00',11,'pass','000000000000000000000000000000000000000000000000000000000900','000000000000000000000000000000000000000000000000000000000009');
INSERT INTO "spends" VALUES('q-dinawdlphbm46e73','posted','alice','liver','nafld','nafld',1,'faulted','policy-digest','zcdp','000000000000000000000000000000000000000000000000000000000030','000000000000000000000000000000000000000000000000000000000001','{"population": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}, "dataset": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}, "project": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}}','SELECT count(*) FROM persons',NULL,'2026-03-02T12:00:00.000000+00:00',12,'2026-03-02T12:01:00.000000+00:00',13,'fault','000000000000000000000000000000000000000000000000000000000870','000000000000000000000000000000000000000000000000000000000008');
INSERT INTO "spends" VALUES('q-iqw5wqejl3wey4bq','void','alice','liver','nafld','nafld',1,'voided','policy-digest','zcdp','000000000000000000000000000000000000000000000000000000000007','000000000000000000000000000000000000000000000000000000000001','{"population": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}, "dataset": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}, "project": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}}','SELECT count(*) FROM persons','key-2','2026-03-02T12:00:00.000000+00:00',14,'2026-03-02T12:00:00.000000+00:00',15,'the engine could not be started',NULL,NULL);
INSERT INTO "spends" VALUES('q-cm5jsrfayajn5hrw','reserved','alice','liver','nafld','nafld',1,'in flight','policy-digest','zcdp','000000000000000000000000000000000000000000000000000000000050','000000000000000000000000000000000000000000000000000000000001','{"population": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}, "dataset": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}, "project": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}}','SELECT count(*) FROM persons','key-3','2026-03-03T12:00:00.000000+00:00',16,NULL,NULL,'',NULL,NULL);
INSERT INTO "spends" VALUES('q-o65zofs2mfxnblwr','reserved','bob','heart','nafld','nafld',1,'in flight too','policy-digest','zcdp','000000000000000000000000000000000000000000000000000000000020','000000000000000000000000000000000000000000000000000000000001','{"population": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}, "dataset": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}, "project": {"definition": "zcdp", "pico": "1000", "atto_delta": "10"}}','SELECT count(*) FROM persons',NULL,'2026-03-03T12:00:00.000000+00:00',17,NULL,NULL,'',NULL,NULL);
CREATE TABLE states (
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	since TEXT NOT NULL, 
	CONSTRAINT pk_states PRIMARY KEY (kind, name), 
	CONSTRAINT ck_states_ck_states_state CHECK (state IN ('active', 'paused', 'suspended', 'revoked'))
);
INSERT INTO "states" VALUES('dataset','nafld','active','resolved','2026-03-01T12:00:00.000000+00:00');
CREATE TABLE tokens (
	id TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	name TEXT NOT NULL, 
	issued_at TEXT NOT NULL, 
	expires_at TEXT, 
	revoked_at TEXT, 
	CONSTRAINT pk_tokens PRIMARY KEY (id), 
	CONSTRAINT uq_tokens_digest UNIQUE (digest), 
	CONSTRAINT fk_tokens_name FOREIGN KEY(name) REFERENCES users (name)
);
INSERT INTO "tokens" VALUES('t-1a52cec92362','0b817beca34e03e668b4389e54f7f8108e5d99261def17e8e2fbc92fea73bd5e','alice','2026-03-01T12:00:00.000000+00:00',NULL,NULL);
CREATE TABLE users (
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	project TEXT, 
	password TEXT, 
	failures INTEGER DEFAULT 0 NOT NULL, 
	locked_until TEXT, 
	added_at TEXT NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (name)
);
INSERT INTO "users" VALUES('carol','custodian',NULL,NULL,0,NULL,'2026-03-01T12:00:00.000000+00:00');
INSERT INTO "users" VALUES('alice','researcher','liver',NULL,0,NULL,'2026-03-01T12:00:00.000000+00:00');
CREATE INDEX ix_spends_project_dataset_plan_digest_snapshot ON spends (project, dataset, plan_digest, snapshot);
CREATE INDEX ix_spends_dataset_reserve_entry ON spends (dataset, reserve_entry);
CREATE INDEX ix_spends_in_flight ON spends (reserved_at) WHERE state = 'reserved';
CREATE UNIQUE INDEX uq_spends_idempotency_key ON spends (actor, project, idempotency_key) WHERE idempotency_key IS NOT NULL AND state <> 'void';
CREATE INDEX ix_policies_digest ON policies (digest);
CREATE INDEX ix_tokens_name ON tokens (name);
CREATE TRIGGER entries_in_order BEFORE INSERT ON entries WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entries) OR NEW.prev_digest IS NOT coalesce((SELECT digest FROM entries WHERE seq = NEW.seq - 1), printf('%064d', 0)) BEGIN SELECT RAISE(ABORT, 'entries only grow'); END;
CREATE TRIGGER spends_end_once BEFORE UPDATE ON spends WHEN OLD.state <> 'reserved' BEGIN SELECT RAISE(ABORT, 'a spend ends once'); END;
CREATE TRIGGER spends_no_delete BEFORE DELETE ON spends BEGIN SELECT RAISE(ABORT, 'spends only grow'); END;
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries only grow'); END;
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries only grow'); END;
CREATE TRIGGER answers_no_update BEFORE UPDATE ON answers BEGIN SELECT RAISE(ABORT, 'answers only grow'); END;
CREATE TRIGGER answers_no_delete BEFORE DELETE ON answers BEGIN SELECT RAISE(ABORT, 'answers only grow'); END;
CREATE TRIGGER policies_no_update BEFORE UPDATE ON policies BEGIN SELECT RAISE(ABORT, 'policies only grow'); END;
CREATE TRIGGER policies_no_delete BEFORE DELETE ON policies BEGIN SELECT RAISE(ABORT, 'policies only grow'); END;
CREATE TRIGGER snapshots_no_update BEFORE UPDATE ON snapshots BEGIN SELECT RAISE(ABORT, 'snapshots only grow'); END;
CREATE TRIGGER snapshots_no_delete BEFORE DELETE ON snapshots BEGIN SELECT RAISE(ABORT, 'snapshots only grow'); END;
CREATE INDEX ix_releases_project ON releases (project);
CREATE INDEX ix_releases_author ON releases (author);
CREATE INDEX ix_releases_state ON releases (state);
CREATE INDEX ix_release_history_release ON release_history (release, entry);
COMMIT;
