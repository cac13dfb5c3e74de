//! The providers of this binary and the kinds that they offer, found by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use salvor_contract::ActionKind;
use salvor_contract::KindName;
use salvor_contract::Provider;
use salvor_contract::StoreKind;

/// All providers, by name. Made once, in `builtin_providers`; the core never asks which one it talks to.
#[derive(Clone, Default)]
pub struct Registry {
    providers: BTreeMap<&'static str, Arc<dyn Provider>>,
}

impl Registry {
    /// A registry of these providers.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        let providers = providers
            .into_iter()
            .map(|p| (p.description().name, p))
            .collect();
        Self { providers }
    }

    /// The provider of this name.
    pub fn provider(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.providers.get(name)
    }

    /// All providers, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.values()
    }

    /// The action kind of this full name.
    pub fn action(&self, name: &KindName) -> Option<&ActionKind> {
        let provider = self.provider(name.provider())?;
        provider
            .description()
            .actions
            .iter()
            .find(|kind| kind.name == name.as_str())
    }

    /// The store kind of this full name.
    pub fn store(&self, name: &KindName) -> Option<&StoreKind> {
        let provider = self.provider(name.provider())?;
        provider
            .description()
            .stores
            .iter()
            .find(|kind| kind.name == name.as_str())
    }

    /// The full name of an action as a plan writes it: `exec` and `http.check` are kinds of the provider
    /// `system`, whose name may be left out.
    pub fn full_action_name(&self, written: &str) -> Option<KindName> {
        full_names(written).find(|name| self.action(name).is_some())
    }

    /// The full name of a kind of store as a plan writes it: `manual` is one of the provider `system`.
    pub fn full_store_name(&self, written: &str) -> Option<KindName> {
        full_names(written).find(|name| self.store(name).is_some())
    }

    /// All action kinds, in the order of their names.
    pub fn actions(&self) -> Vec<&ActionKind> {
        let mut actions: Vec<&ActionKind> = self
            .iter()
            .flat_map(|provider| &provider.description().actions)
            .collect();
        actions.sort_by_key(|kind| kind.name);
        actions
    }

    /// All store kinds, in the order of their names.
    pub fn stores(&self) -> Vec<&StoreKind> {
        let mut stores: Vec<&StoreKind> = self
            .iter()
            .flat_map(|provider| &provider.description().stores)
            .collect();
        stores.sort_by_key(|kind| kind.name);
        stores
    }
}

/// What a name in a plan may stand for.
fn full_names(written: &str) -> impl Iterator<Item = KindName> {
    let of_system = format!("system.{}", written.replace('.', "-"));
    [written.to_owned(), of_system]
        .into_iter()
        .map(KindName::new)
}
