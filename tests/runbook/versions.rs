//! Objects that are brought back by hand as they were at a moment.

use std::process::Command;

use salvor_testbed::Minio;
use salvor_testbed::Part;
use salvor_testbed::install;
use salvor_testbed::require;

use crate::typed::Printed;
use crate::typed::must;
use crate::typed::paste;
use crate::typed::shell_in;
use crate::typed::typed;

fn plan(endpoint: &str, target: &str) -> String {
    format!(
        r#"
format = 1
plan   = {{ name = "photos", title = "Bring the photos back" }}
[providers.objects]
endpoint = "{endpoint}"
[stores.photos]
kind = "objects.versions"
with = {{ url = "s3://photos/" }}
[steps.photos]
restore  = "photos"
destroys = "newer versions, which stay below"
with     = {{ target = "{target}" }}
[steps.as-they-were]
verify = "photos"
after  = ["photos"]
[scenarios.full]
goal = ["photos", "as-they-were"]
"#
    )
}

/// A folder, a server, and the client that a person has.
struct World {
    folder: tempfile::TempDir,
    minio: Minio,
    aws: salvor_testbed::Installed,
}

impl World {
    fn shell(&self, script: &str) -> Command {
        let mut shell = shell_in(self.folder.path(), self.aws.programs(), script);
        shell
            .env("AWS_ACCESS_KEY_ID", self.minio.access_key())
            .env("AWS_SECRET_ACCESS_KEY", self.minio.secret_key())
            .env("AWS_DEFAULT_REGION", self.minio.region())
            .env("S3", self.minio.endpoint());
        shell
    }

    fn must(&self, script: &str) -> String {
        must(self.shell(script))
    }

    /// Writes the plan, and types the commands of its runbook: what those of each step print.
    fn typed(&self, target: &str, moment: &str) -> [Printed; 2] {
        let plan = plan(&self.minio.endpoint(), target);
        std::fs::write(self.folder.path().join("plan.toml"), plan).expect("written");
        let salvor = env!("CARGO_BIN_EXE_salvor");
        let markdown = self.must(&format!("'{salvor}' runbook"));
        let asked = "PHOTOS_POINT_AT=";
        assert!(markdown.contains(asked), "{markdown}");
        let markdown = markdown.replacen(asked, &format!("{asked}{moment}"), 1);
        let blocks = typed(&markdown);
        let printed = paste(&blocks.iter().collect::<Vec<_>>(), |script| {
            self.shell(script)
        });
        let steps: Result<[Printed; 3], _> = printed.try_into();
        let [_, back, seen] = steps.expect("the variables and two steps");
        [back, seen]
    }

    fn object(&self, address: &str) -> String {
        self.must(&format!("aws --endpoint-url $S3 s3 cp '{address}' -"))
    }
}

#[test]
fn objects_come_back_as_they_were_at_the_moment() {
    let Some(minio) = require(Minio::start()) else {
        return;
    };
    let Some(aws) = require(install(Part::Awscli)) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let world = World { folder, minio, aws };
    world.must(
        "set -e; s3() { aws --endpoint-url $S3 s3 \"$@\" > /dev/null; }
         for b in photos copy; do s3 mb s3://$b; done
         aws --endpoint-url $S3 s3api put-bucket-versioning --bucket photos --versioning-configuration Status=Enabled
         printf old | s3 cp - 's3://photos/a b+c.jpg'; printf old | s3 cp - s3://photos/gone.jpg
         printf same | s3 cp - s3://photos/in/same.jpg
         printf x | s3 cp - s3://photos/before.jpg; s3 rm s3://photos/before.jpg",
    );
    let newest = "[Versions[].LastModified, DeleteMarkers[].LastModified][]";
    let times = world.must(&format!(
        "aws --endpoint-url $S3 s3api list-object-versions --bucket photos --query '{newest}' --output text"
    ));
    let moment = times.split_whitespace().max().expect("a moment").to_owned();
    world.must(
        "set -e; s3() { aws --endpoint-url $S3 s3 \"$@\" > /dev/null; }
         printf new | s3 cp - 's3://photos/a b+c.jpg'; s3 rm s3://photos/gone.jpg
         printf late | s3 cp - s3://photos/late.jpg",
    );

    let [said, seen] = world.typed("s3://copy/as-it-was/", &moment);
    let listed =
        world.must("aws --endpoint-url $S3 s3 ls --recursive s3://copy/ | cut -c 32- | sort");
    assert_eq!(
        listed, "as-it-was/a b+c.jpg\nas-it-was/gone.jpg\nas-it-was/in/same.jpg\n",
        "{said:?}"
    );
    assert_eq!(world.object("s3://copy/as-it-was/a b+c.jpg"), "old");
    assert_eq!(seen.exit, 0, "{seen:?}");
    let seen: Vec<&str> = (seen.text.lines())
        .map(|line| line.splitn(3, ' ').last().expect("three words"))
        .collect();
    assert_eq!(
        seen,
        ["3 a b+c.jpg", "3 gone.jpg", "4 in/same.jpg"],
        "the objects of the moment, not those of now"
    );

    let [said, _] = world.typed("s3://photos/", &moment);
    assert_eq!(
        (said.exit, said.text.as_str()),
        (0, "a b+c.jpg\ngone.jpg\n"),
        "what is as it was is left alone"
    );
    assert_eq!(world.object("s3://photos/a b+c.jpg"), "old");
    assert_eq!(world.object("s3://photos/gone.jpg"), "old");
    assert_eq!(world.object("s3://photos/late.jpg"), "late");

    let home = world.folder.path().join("home");
    world.typed(&format!("file://{}/", home.display()), &moment);
    let file = |name: &str| std::fs::read_to_string(home.join(name)).expect("a file");
    assert_eq!(
        (file("a b+c.jpg"), file("in/same.jpg")),
        ("old".into(), "same".into())
    );

    let elsewhere = moment.replace("+00:00", "+02:00");
    for said in world.typed("s3://copy/wrong/", &elsewhere) {
        assert!(said.text.contains("+02:00 is not in UTC"), "{said:?}");
    }
}
