"""A collection with a column of every kind, and rules of every kind."""

FULL = {
    "email": {"type": "email", "unique": True},
    "status": {"type": "enum", "of": "status", "required": True, "default": "pending"},
    "skills": {"type": "enum_list", "of": "skill", "required": True, "default": []},
    "mentor_id": {"type": "reference", "to": "person"},
    "resource_id": {"type": "reference", "to": "topics.resource"},
    "details": {"type": "document", "schema": {"type": "object", "required": ["a"]}},
    "sort_name": {"type": "text", "generated": "lower(name)"},
    "fee": {"type": "money"},
    "stars": {"type": "rating"},
    "site": {"type": "url"},
    "phone": {"type": "phone"},
    "visits": {"type": "count", "required": True, "default": 0},
    "spent": {"type": "duration"},
    "about": {"type": "markdown"},
    "started_at": {"type": "timestamp", "default": "now()"},
    "ended_at": {"type": "timestamp"},
    "tags": {"type": "text_list"},
    "picture": {"type": "bytes"},
    "born": {"type": "date"},
    "made": {"type": "breadcrumb"},
    "version": {"type": "integer", "required": True, "default": 1},
}
MORE = {
    "checks": {"ends_after_start": "ended_at is null or ended_at >= started_at"},
    "unique": {"one_open": {"columns": ["mentor_id", "status"], "where": "ended_at is null"}},
    "indexes": {
        "by_name": {"columns": ["sort_name", "id desc"], "include": ["email"]},
        "by_tags": {"columns": ["tags"], "method": "gin"},
        "by_lower": {"expressions": ["lower(email)"], "unique": True, "where": "email <> ''"},
    },
    "exclusions": {"apart": {"elements": {"int8range(visits, visits + 1)": "&&"}, "where": "stars = 1"}},
}
