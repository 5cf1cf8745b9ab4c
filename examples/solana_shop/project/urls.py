from django.urls import include, path
from shop.views import buy

urlpatterns = [path("buy/<int:order>/", buy), path("pay/", include("mutoscope.engines.solana.endpoints.urls"))]
