//! Generates the events of an hour of the tenant. An hour depends only on the seed and its
//! position, so any hour can be generated again, and none must be kept.

use std::collections::VecDeque;
use std::io;

use super::event::{Actor, Draft, Event};
use super::rng::{Rng, Weighted};
use super::tenant::Tenant;
use super::{author, platform, service, views};

const HOUR_MS: i64 = 3_600_000;

/// Source of the records of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// The REST interface of Power BI, which returns only its own events.
    PowerBi,
    /// The audit log of Office 365, with events of the Power Platform and of other workloads.
    Audit,
}

/// Kinds of events, by the code that writes them.
#[derive(Clone, Copy)]
enum Kind {
    View,
    Export,
    ExportArtifact,
    Dashboard,
    Report,
    Refresh,
    Dataset,
    External,
    AdminRead,
    Embed,
    Screenshot,
    Share,
    Workspace,
    App,
    Subscription,
    Schedule,
    Switch,
    Import,
    Fabric,
    Label,
    Plain,
    Unknown,
}

/// Operations without noise, with their weights.
const MIX: &[(Kind, &str, u32)] = &[
    (Kind::View, "ViewReport", 6400),
    (Kind::Export, "ExportReport", 100),
    (Kind::ExportArtifact, "ExportArtifact", 40),
    (Kind::Dashboard, "ViewDashboard", 450),
    (Kind::Dashboard, "ViewTile", 100),
    (Kind::Dashboard, "CreateDashboard", 10),
    (Kind::Report, "PrintReport", 30),
    (Kind::Report, "EditReport", 150),
    (Kind::Report, "CreateReport", 50),
    (Kind::Report, "UpdateReportContent", 40),
    (Kind::Report, "DeleteReport", 15),
    (Kind::Report, "RenameReport", 10),
    (Kind::Report, "PublishToWebReport", 3),
    (Kind::Refresh, "RefreshDataset", 800),
    (Kind::Dataset, "EditDataset", 60),
    (Kind::Dataset, "TakeOverDataset", 10),
    (Kind::Dataset, "UpdateDatasources", 20),
    (Kind::External, "AnalyzedByExternalApplication", 300),
    (Kind::External, "ConnectFromExternalApplication", 140),
    (Kind::External, "AnalyzeInExcel", 80),
    (Kind::AdminRead, "GetRefreshHistory", 150),
    (Kind::AdminRead, "GetGroupsAsAdmin", 80),
    (Kind::AdminRead, "GetModifiedWorkspacesAPI", 40),
    (Kind::AdminRead, "GetWorkspacesInfoAPI", 40),
    (Kind::Embed, "GenerateEmbedToken", 200),
    (Kind::Screenshot, "GenerateScreenshot", 50),
    (Kind::Share, "ShareReport", 60),
    (Kind::Workspace, "AddGroupMembers", 10),
    (Kind::Workspace, "UpdateWorkspaceAccess", 20),
    (Kind::Workspace, "UpdateFolderAccess", 10),
    (Kind::Workspace, "CreateFolder", 10),
    (Kind::Workspace, "MigrateWorkspaceIntoCapacity", 10),
    (Kind::App, "CreateApp", 10),
    (Kind::App, "UpdateApp", 20),
    (Kind::App, "InstallApp", 30),
    (Kind::Subscription, "CreateEmailSubscription", 20),
    (Kind::Subscription, "RunEmailSubscription", 80),
    (Kind::Schedule, "SetScheduledRefresh", 20),
    (Kind::Switch, "UpdatedAdminFeatureSwitch", 10),
    (Kind::Import, "ImportArtifactEnd", 60),
    (Kind::Import, "Import", 30),
    (Kind::Fabric, "ReadArtifact", 130),
    (Kind::Fabric, "UpdateArtifact", 40),
    (Kind::Fabric, "CreateArtifact", 20),
    (Kind::Label, "SensitivityLabelApplied", 20),
    (Kind::Plain, "OptInForProTrial", 10),
    (Kind::Plain, "RequestCopilot", 40),
    (Kind::Plain, "PostComment", 20),
    (Kind::Unknown, "", 30),
];

/// A view that is logged with an export.
struct PageView {
    millis: i64,
    user: usize,
    report: usize,
}

/// The state of an hour while its events are made.
struct Hour<'a> {
    tenant: &'a Tenant,
    day: usize,
    hour: usize,
    feed: Feed,
    rng: Rng,
    mix: Weighted,
    event: Event,
    page_views: VecDeque<PageView>,
}

type Sink<'a> = &'a mut dyn FnMut(&Event) -> io::Result<()>;

impl Tenant {
    /// Passes the events of an hour, in the order of their times, to `sink`.
    pub fn hour(&self, day: usize, hour: usize, feed: Feed, sink: Sink) -> io::Result<()> {
        Hour {
            tenant: self,
            day,
            hour,
            feed,
            rng: Rng::for_part(self.spec.seed, (day * 24 + hour) as u64),
            mix: Weighted::new(MIX.iter().map(|(_, _, weight)| f64::from(*weight))),
            event: Event::default(),
            page_views: VecDeque::new(),
        }
        .run(sink)
    }

    /// Returns all events of a day, in the order of their times.
    pub fn day(&self, day: usize, feed: Feed) -> Vec<Event> {
        let mut events = Vec::new();
        for hour in 0..24 {
            self.hour(day, hour, feed, &mut |event| {
                events.push(event.clone());
                Ok(())
            })
            .expect("nothing can fail in memory");
        }
        events
    }
}

impl Hour<'_> {
    fn run(mut self, sink: Sink) -> io::Result<()> {
        let total = self.tenant.events_in(self.day, self.hour);
        let mut noise = (self.tenant.spec.noise_share * total as f64 + self.rng.unit()) as usize;
        noise = noise.min(total);
        let mut other = total - noise;
        let mut noise_turn = 0;
        // Number of slots that page views of exports have used.
        let mut taken = 0;
        for slot in 0..total {
            let millis = self.time_of(slot, total);
            self.flush_page_views(millis, sink)?;
            if self.rng.below(noise + other) < noise {
                noise -= 1;
                let hour = self.hour;
                service::noise(&mut self.draft(millis), hour, noise_turn);
                noise_turn += 1;
            } else {
                other -= 1;
                if taken > 0 {
                    taken -= 1;
                    continue;
                }
                taken = self.anything(millis, other);
            }
            sink(&self.event)?;
            if self.feed == Feed::Audit && self.rng.chance(0.03) {
                platform::other_workload(&mut self.draft(millis));
                sink(&self.event)?;
            }
        }
        self.flush_page_views(i64::MAX, sink)
    }

    /// Returns the time of a slot. Times are ascending, because every slot has its own part of the
    /// hour.
    fn time_of(&mut self, slot: usize, total: usize) -> i64 {
        let place = (slot as f64 + self.rng.unit()) / total as f64;
        self.start() + (place * HOUR_MS as f64) as i64
    }

    fn start(&self) -> i64 {
        let midnight = self.tenant.date(self.day).and_time(chrono::NaiveTime::MIN).and_utc();
        midnight.timestamp_millis() + self.hour as i64 * HOUR_MS
    }

    fn draft(&mut self, millis: i64) -> Draft<'_> {
        Draft {
            tenant: self.tenant,
            rng: &mut self.rng,
            event: &mut self.event,
            day: self.day,
            millis,
        }
    }

    /// Writes an event that is not noise. Returns the number of the `left` slots that its page
    /// views use.
    fn anything(&mut self, millis: i64, left: usize) -> usize {
        if self.feed == Feed::Audit && self.rng.chance(0.06) {
            platform::power_platform(&mut self.draft(millis));
            return 0;
        }
        let (kind, operation, _) = MIX[self.mix.draw(&mut self.rng)];
        if matches!(kind, Kind::Export) {
            return self.export(millis, left);
        }
        write_event(&mut self.draft(millis), kind, operation);
        0
    }

    fn export(&mut self, millis: i64, left: usize) -> usize {
        let mut draft = self.draft(millis);
        let (user, report) = (draft.some_user(), draft.some_report());
        views::export_report(&mut draft, user, report);
        let pages = (1 + self.rng.below(8)).min(left);
        let end = self.start() + HOUR_MS - 1;
        for page in 0..pages {
            let millis = (millis + 300 + 900 * page as i64).min(end);
            self.page_views.push_back(PageView { millis, user, report });
        }
        // Two exports within seconds interleave.
        self.page_views.make_contiguous().sort_by_key(|view| view.millis);
        pages
    }

    /// Passes the due page views to `sink`.
    fn flush_page_views(&mut self, now: i64, sink: Sink) -> io::Result<()> {
        while let Some(PageView { millis, user, report }) =
            self.page_views.pop_front_if(|view| view.millis <= now)
        {
            let actor = Actor::User(&self.tenant.users[user]);
            views::view_report(&mut self.draft(millis), actor, report);
            sink(&self.event)?;
        }
        Ok(())
    }
}

fn write_event(draft: &mut Draft, kind: Kind, operation: &'static str) {
    match kind {
        Kind::View | Kind::Export => views::any_view(draft),
        Kind::ExportArtifact => views::export_artifact(draft),
        Kind::Dashboard => views::dashboard_event(draft, operation),
        Kind::Report => views::report_event(draft, operation),
        Kind::Refresh => service::refresh_dataset(draft),
        Kind::Dataset => service::dataset_event(draft, operation),
        Kind::External => service::external(draft, operation),
        Kind::AdminRead => service::admin_read(draft, operation),
        Kind::Embed => service::embed_token(draft),
        Kind::Screenshot => service::screenshot(draft),
        Kind::Share => author::share_report(draft),
        Kind::Workspace => author::workspace_event(draft, operation),
        Kind::App => author::app_event(draft, operation),
        Kind::Subscription => author::subscription(draft, operation),
        Kind::Schedule => author::refresh_schedule(draft),
        Kind::Switch => author::admin_switch(draft),
        Kind::Import => author::import(draft, operation),
        Kind::Fabric => author::fabric(draft, operation),
        Kind::Label => author::sensitivity_label(draft),
        Kind::Plain => author::plain(draft, operation),
        Kind::Unknown => author::unknown_operation(draft),
    }
}
