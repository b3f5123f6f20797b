"""Settings, from few environment variables with defaults that suit one machine; see README, "Configuration"."""

import os
import secrets
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import to_locale

from dashboard.digest import digest_of
from dashboard.triton_address import checked_address

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("ANNEAL_DATA", BASE_DIR / "var")).resolve()
RUNS_DIR = DATA_DIR / "runs"
DATASETS_DIR = DATA_DIR / "datasets"
MODELS_DIR = DATA_DIR / "models"
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

HOST = os.environ.get("ANNEAL_HOST", "127.0.0.1")
PORT = int(os.environ.get("ANNEAL_PORT", "8000"))
HTTPS = os.environ.get("ANNEAL_HTTPS", "0") == "1"


def secret_key() -> str:
    """Made at the first start and kept in the data folder, readable by its owner alone."""
    path = DATA_DIR / "secret_key"
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
    return path.read_text().strip()


SECRET_KEY = os.environ.get("SECRET_KEY") or secret_key()
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", HOST, *filter(None, os.environ.get("ANNEAL_ALLOWED_HOSTS", "").split(","))]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS] if HTTPS else []

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "axes",
    "django_htmx",
    "dashboard",
    "dashboard.accounts",
    "dashboard.runs",
    "dashboard.metrics",
    "dashboard.fleet",
    "dashboard.registry",
    "dashboard.playground",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "dashboard.urls"
ASGI_APPLICATION = "dashboard.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "dashboard.home.context.shell",
            ],
            "builtins": ["dashboard.templatetags.anneal"],
        },
    }
]

# SQLite: readers never wait for the writer (WAL), writers queue up front (IMMEDIATE) instead of failing at commit.
SQLITE_OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"}
DATABASES = {
    "default": dj_database_url.config(default=f"sqlite:///{DATA_DIR / 'anneal.sqlite3'}", conn_max_age=60, conn_health_checks=True)
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Runs that ended so many days ago are deleted by the workers; 0 keeps them for ever.
RETENTION_DAYS = int(os.environ.get("ANNEAL_RETENTION_DAYS", "0"))
if not 0 <= RETENTION_DAYS <= 36_500:
    raise ImproperlyConfigured(f"ANNEAL_RETENTION_DAYS: a number of days from 0 to 36500 (0 keeps all runs), not {RETENTION_DAYS}")

# A Triton that runs elsewhere, which the playground offers beside the weights of runs; empty: none.
TRITON_URL = checked_address(os.environ.get("ANNEAL_TRITON_URL", ""))

# Empty: `manage.py up` starts the embedded server and leaves its address in the data folder.
REDIS_URL = os.environ.get("REDIS_URL", "")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
AXES_FAILURE_LIMIT = 6
AXES_COOLOFF_TIME = 1 / 60  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "accounts/locked.html"
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"

SESSION_COOKIE_NAME = "anneal_session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "dashboard" / "locale"]
# A language is offered once it has a catalogue: half of a page in another one helps nobody.
OWN_NAMES = {"en": "English", "zh-hans": "中文"}
LANGUAGES = [(code, name) for code, name in OWN_NAMES.items() if code == LANGUAGE_CODE or (LOCALE_PATHS[0] / to_locale(code)).exists()]
USE_TZ = True
TIME_ZONE = "UTC"

# Their digest stands in the address of the static files: a browser keeps them for good, and never mixes those of two versions.
STATIC_URL = f"/static/{digest_of(BASE_DIR / 'dashboard' / 'static')}/"
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_MAX_AGE = 31_536_000

# Uploads larger than this never reach a view; the playground checks its own, smaller limits.
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 2**20
FILE_UPLOAD_MAX_MEMORY_SIZE = 12 * 2**20

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
