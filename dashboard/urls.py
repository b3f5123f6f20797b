"""Every page's address. Sign-in, health and the language are open; all else asks who it is."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.i18n import set_language

from dashboard.accounts import views as accounts
from dashboard.api import api
from dashboard.compare.views import compare
from dashboard.datasets.views import dataset_list, dataset_picture
from dashboard.evaluations.asking import evaluation_ask
from dashboard.fleet import views as fleet
from dashboard.home.health import healthz
from dashboard.home.views import home
from dashboard.playground import views as playground
from dashboard.quantizations.asking import quantization_ask
from dashboard.quantizations.flips import flipped_csv
from dashboard.recipes.views import recipe_list
from dashboard.registry import views as registry
from dashboard.runs import log, new, page
from dashboard.runs.listing import run_list
from dashboard.runs.removal import run_delete
from dashboard.serving import asking as serving

urlpatterns = [
    path("", home, name="home"),
    path("runs/", run_list, name="run_list"),
    path("runs/new/", new.run_new, name="run_new"),
    path("runs/new/plan/", new.run_plan, name="run_plan"),
    path("runs/<int:run_id>/", page.run_detail, name="run_detail"),
    path("runs/<int:run_id>/stop/", page.run_stop, name="run_stop"),
    path("runs/<int:run_id>/jobs/<int:job_id>/stop/", page.job_stop, name="job_stop"),
    path("runs/<int:run_id>/evaluations/", evaluation_ask, name="evaluation_ask"),
    path("runs/<int:run_id>/quantizations/", quantization_ask, name="quantization_ask"),
    path("runs/<int:run_id>/quantizations/<int:job_id>/<slug:precision>.csv", flipped_csv, name="flipped_csv"),
    path("runs/<int:run_id>/load-tests/", serving.load_test_ask, name="load_test_ask"),
    path("runs/<int:run_id>/load-tests/<int:job_id>/repository/", serving.repository_download, name="repository_download"),
    path("runs/<int:run_id>/resume/", page.run_resume, name="run_resume"),
    path("runs/<int:run_id>/retry/", page.run_retry, name="run_retry"),
    path("runs/<int:run_id>/delete/", run_delete, name="run_delete"),
    path("runs/<int:run_id>/log/", log.run_log, name="run_log"),
    path("runs/<int:run_id>/<slug:tab>/", page.run_tab, name="run_tab"),
    path("compare/", compare, name="compare"),
    path("queue/", fleet.queue, name="queue"),
    path("workers/", fleet.worker_list, name="worker_list"),
    path("recipes/", recipe_list, name="recipe_list"),
    path("datasets/", dataset_list, name="dataset_list"),
    path("datasets/<slug:name>/<slug:split>/<int:row>/picture/", dataset_picture, name="dataset_picture"),
    path("playground/", playground.playground, name="playground"),
    path("playground/language/", playground.language, name="playground_language"),
    path("models/", registry.model_list, name="model_list"),
    path("models/register/", registry.model_register, name="model_register"),
    path("models/<int:model_id>/", registry.model_detail, name="model_detail"),
    path("models/<int:model_id>/aliases/", registry.alias_set, name="alias_set"),
    path("models/<int:model_id>/aliases/<slug:alias>/remove/", registry.alias_remove, name="alias_remove"),
    path("models/<int:model_id>/versions/<int:version_number>/delete/", registry.version_delete, name="version_delete"),
    path("settings/", accounts.settings, name="settings"),
    path("settings/tokens/", accounts.token_add, name="token_add"),
    path("settings/tokens/<int:token_id>/remove/", accounts.token_remove, name="token_remove"),
    path("settings/projects/<slug:slug>/members/", accounts.member_add, name="member_add"),
    path("settings/projects/<slug:slug>/members/<int:user_id>/role/", accounts.member_role, name="member_role"),
    path("settings/projects/<slug:slug>/members/<int:user_id>/remove/", accounts.member_remove, name="member_remove"),
    path("sign-in/", accounts.SignIn.as_view(), name="sign_in"),
    path("sign-out/", accounts.SignOut.as_view(), name="sign_out"),
    path("theme/", accounts.set_theme, name="set_theme"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("healthz", healthz, name="healthz"),
    path("api/v1/", api.addresses()),
]
