//! The providers of this binary: the only place that names them.

use std::sync::Arc;

use salvor_contract::Provider;

use crate::registry::Registry;

/// All providers that this binary was built with.
pub fn registry() -> Registry {
    let providers: Vec<Arc<dyn Provider>> = vec![
        #[cfg(feature = "aws")]
        Arc::new(salvor_aws::Aws::new()),
        Arc::new(salvor_objects::provider()),
        Arc::new(salvor_postgres::Postgres::new()),
        Arc::new(salvor_simulated::Simulated::new()),
        Arc::new(salvor_system::System::new()),
    ];
    Registry::new(providers)
}
