<#
.SYNOPSIS
Downloads the Power BI activity log, one file for each UTC day. See docs/pulling.md.

.DESCRIPTION
Needs Windows PowerShell 5.1 or PowerShell 7, and no modules. Signs in as a service principal with
the variables PBI_TENANT_ID, PBI_CLIENT_ID and PBI_CLIENT_SECRET; as a person with -SignIn,
PBI_TENANT_ID and PBI_CLIENT_ID; or uses the access token in PBI_TOKEN.

Exit codes: 0 success; 1 a download failed; 2 usage error; 3 a download of a day lacks events of an
older file of the day, and the older file was kept.

.EXAMPLE
.\pull.ps1 -Folder D:\PowerBI\activity-log

.EXAMPLE
pbi-analyze gaps | Set-Content gaps.txt
.\pull.ps1 -Folder D:\PowerBI\activity-log -DaysFrom gaps.txt
#>
param(
    [Parameter(Mandatory = $true)]
    [string] $Folder,
    # Days before today.
    [ValidateRange(0, 30)]
    [int] $Days = 3,
    # More days: a file with the output of pbi-analyze gaps.
    [string] $DaysFrom,
    # Download hour by hour.
    [switch] $ByHour,
    # Sign in as a person, with a code.
    [switch] $SignIn,
    [string] $Api = 'https://api.powerbi.com/v1.0/myorg',
    [string] $Login = 'https://login.microsoftonline.com',
    [double] $BaseDelay = 2
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
# A progress bar makes downloads of Windows PowerShell several times slower.
$ProgressPreference = 'SilentlyContinue'
# Windows PowerShell offers old versions of TLS first.
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12

$Attempts = 8
$PagesMax = 40
$Scope = 'https://analysis.windows.net/powerbi/api/.default'
$TrustedHosts = '\.(powerbi\.com|analysis\.windows\.net|powerbigov\.us|' +
    'analysis\.usgovcloudapi\.net|powerbi\.cn|analysis\.chinacloudapi\.cn)$'
$Utf8 = New-Object System.Text.UTF8Encoding($false)
$script:Token = $env:PBI_TOKEN
$script:RefreshToken = $null
$CanSignIn = -not $script:Token

function Write-Message([string] $Text) {
    [Console]::Error.WriteLine($Text)
}

# Returns a member of an object, or nothing if there is none.
function Get-MemberValue($Object, [string] $Name) {
    if ($null -ne $Object -and $Object.PSObject.Properties[$Name]) {
        return $Object.PSObject.Properties[$Name].Value
    }
}

# Sends a request, and returns its status, its text and the seconds to wait before the next attempt.
# HttpWebRequest is the same in both versions of PowerShell, and returns bytes instead of guessing
# an encoding.
function Send-Once([string] $Url, [string] $Method, [string] $Body, [hashtable] $Headers) {
    $request = [Net.WebRequest]::Create($Url)
    $request.Method = $Method
    $request.Timeout = 120000
    $request.ReadWriteTimeout = 120000
    foreach ($name in $Headers.Keys) { $request.Headers[$name] = $Headers[$name] }
    try {
        if ($Method -eq 'POST') {
            $bytes = $Utf8.GetBytes($Body)
            $request.ContentType = 'application/x-www-form-urlencoded'
            $request.ContentLength = $bytes.Length
            $stream = $request.GetRequestStream()
            $stream.Write($bytes, 0, $bytes.Length)
            $stream.Close()
        }
        $response = $request.GetResponse()
    } catch [Net.WebException] {
        $response = $_.Exception.Response
        if ($null -eq $response) {
            return @{ Status = 0; Text = $_.Exception.Message; Wait = $null }
        }
    }
    try {
        $reader = New-Object System.IO.StreamReader($response.GetResponseStream(), $Utf8)
        $text = $reader.ReadToEnd()
        $reader.Close()
    } catch [System.IO.IOException] {
        return @{ Status = 0; Text = $_.Exception.Message; Wait = $null }
    }
    $wait = $null
    $after = $response.Headers['Retry-After']
    $seconds = 0
    $date = [DateTimeOffset]::MinValue
    if ([int]::TryParse($after, [ref] $seconds)) {
        $wait = $seconds
    } elseif ([DateTimeOffset]::TryParse($after, [ref] $date)) {
        $wait = [Math]::Max(0, ($date - [DateTimeOffset]::UtcNow).TotalSeconds)
    }
    return @{ Status = [int] $response.StatusCode; Text = $text; Wait = $wait }
}

# Sends a request until it is answered. Returns the status, the text and its JSON.
function Send-Request([string] $Url, [string] $Method, [string] $Body, [hashtable] $Headers) {
    for ($attempt = 1; ; $attempt++) {
        $answer = Send-Once $Url $Method $Body $Headers
        $problem = "HTTP $($answer.Status)"
        if ($answer.Status -eq 0) {
            $problem = $answer.Text
        } elseif ($answer.Status -ge 200 -and $answer.Status -lt 300) {
            try {
                $answer.Json = ConvertFrom-Json $answer.Text
                return $answer
            } catch [ArgumentException] {
                $problem = 'the answer is not JSON'
            }
        } elseif ($answer.Status -ne 429 -and $answer.Status -lt 500) {
            return $answer
        }
        if ($attempt -ge $Attempts) { throw "gave up after $Attempts attempts: $problem" }
        $wait = $answer.Wait
        if ($null -eq $wait) {
            $delay = [Math]::Min($BaseDelay * [Math]::Pow(2, $attempt - 1), 300)
            $wait = $delay * (0.5 + (Get-Random -Maximum 1000) / 2000)
        }
        Write-Message ('{0}; next attempt in {1:0} s' -f $problem, $wait)
        Start-Sleep -Milliseconds ([int] ($wait * 1000))
    }
}

function Send-Form([string] $Url, [hashtable] $Form) {
    $pairs = foreach ($name in $Form.Keys) {
        $name + '=' + [Uri]::EscapeDataString($Form[$name])
    }
    return Send-Request $Url 'POST' ($pairs -join '&') @{}
}

function Get-Token {
    $names = @('PBI_TENANT_ID', 'PBI_CLIENT_ID')
    if (-not $SignIn) { $names += 'PBI_CLIENT_SECRET' }
    foreach ($name in $names) {
        if (-not [Environment]::GetEnvironmentVariable($name)) {
            throw "set $($names -join ', '), or PBI_TOKEN"
        }
    }
    $tenant = "$Login/$env:PBI_TENANT_ID/oauth2/v2.0"
    $form = @{ client_id = $env:PBI_CLIENT_ID; scope = $Scope }
    if (-not $SignIn) {
        $form.grant_type = 'client_credentials'
        $form.client_secret = $env:PBI_CLIENT_SECRET
        $answer = Send-Form "$tenant/token" $form
    } elseif ($script:RefreshToken) {
        $form.grant_type = 'refresh_token'
        $form.refresh_token = $script:RefreshToken
        $answer = Send-Form "$tenant/token" $form
    } else {
        $form.scope = "$Scope offline_access"
        $device = Send-Form "$tenant/devicecode" $form
        if ($device.Status -ne 200) { throw "signing in failed: $($device.Text)" }
        Write-Message $device.Json.message
        $poll = @{
            grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
            client_id = $env:PBI_CLIENT_ID
            device_code = $device.Json.device_code
        }
        do {
            Start-Sleep -Seconds $device.Json.interval
            $answer = Send-Form "$tenant/token" $poll
        } while ($answer.Status -eq 400 -and $answer.Text -match 'authorization_pending|slow_down')
    }
    if ($answer.Status -ne 200) {
        throw "signing in failed: HTTP $($answer.Status) $($answer.Text)"
    }
    $script:Token = $answer.Json.access_token
    $refresh = Get-MemberValue $answer.Json 'refresh_token'
    if ($refresh) { $script:RefreshToken = $refresh }
}

# Gets a page. The access token goes to hosts of Microsoft's only.
function Get-Page([string] $Url) {
    $uri = [Uri] $Url
    $own = [Uri] $Api
    $isOwn = $uri.Scheme -eq $own.Scheme -and $uri.Authority -eq $own.Authority
    if (-not $isOwn -and ($uri.Scheme -ne 'https' -or $uri.Host -notmatch $TrustedHosts)) {
        throw "the next page is at an unknown host: $($uri.Host)"
    }
    if (-not $script:Token) { Get-Token }
    $answer = Send-Request $Url 'GET' '' @{ Authorization = "Bearer $script:Token" }
    # Access tokens last about an hour.
    if ($answer.Status -eq 401 -and $CanSignIn) {
        Get-Token
        $answer = Send-Request $Url 'GET' '' @{ Authorization = "Bearer $script:Token" }
    }
    return $answer
}

# Returns the keys of events: their IDs, or the content of an event without one.
function Get-EventKey($Events) {
    foreach ($event in $Events) {
        $id = Get-MemberValue $event 'Id'
        if ($id) { $id } else { ConvertTo-Json $event -Depth 20 -Compress }
    }
}

# Downloads some hours of a day. Returns the texts of the pages and the keys of their events.
# Returns nothing if there are more pages than allowed.
function Get-Part([string] $Day, [int] $First, [int] $Last, [int] $Max) {
    $start = "'{0}T{1:00}:00:00.000Z'" -f $Day, $First
    $end = "'{0}T{1:00}:59:59.999Z'" -f $Day, $Last
    $query = "startDateTime=$([Uri]::EscapeDataString($start))" +
        "&endDateTime=$([Uri]::EscapeDataString($end))"
    for ($attempt = 1; ; $attempt++) {
        $texts = New-Object System.Collections.Generic.List[string]
        $keys = New-Object System.Collections.Generic.HashSet[string]
        $url = "$Api/admin/activityevents?$query"
        $answer = $null
        while ($url) {
            if ($Max -gt 0 -and $texts.Count -ge $Max) { return }
            $answer = Get-Page $url
            if ($answer.Status -ne 200) { break }
            if (-not $answer.Json.PSObject.Properties['activityEventEntities']) {
                throw 'the answer has no list activityEventEntities'
            }
            $texts.Add($answer.Text.Trim())
            foreach ($key in (Get-EventKey $answer.Json.activityEventEntities)) {
                [void] $keys.Add($key)
            }
            # An empty page can have a next page.
            $next = Get-MemberValue $answer.Json 'continuationUri'
            if ($next -eq $url) { throw 'a page names itself as the next page' }
            $url = $next
        }
        if (-not $url) { return @{ Texts = $texts; Keys = $keys } }
        # Tokens of continuations expire.
        $isBroken = @(400, 404, 410) -contains $answer.Status -and $texts.Count -gt 0
        if (-not $isBroken -or $attempt -ge 3) {
            throw "the API refused the request: HTTP $($answer.Status) $($answer.Text)"
        }
        Write-Message "${Day}: downloading from hour $First again"
    }
}

# Returns the keys of the events in a file of pages, up to the first damage.
function Get-FileKey([string] $Path) {
    foreach ($line in [IO.File]::ReadAllLines($Path, $Utf8)) {
        if (-not $line.Trim()) { continue }
        try {
            $page = ConvertFrom-Json $line
        } catch [ArgumentException] {
            Write-Message "$Path is damaged"
            return
        }
        Get-EventKey (Get-MemberValue $page 'activityEventEntities')
    }
}

# Downloads a day. Returns false if an older file of the day has events that the download lacks.
function Save-Day([string] $Day) {
    $part = $null
    if (-not $ByHour) {
        $part = Get-Part $Day 0 23 $PagesMax
        if ($null -eq $part) {
            Write-Message "${Day}: more than $PagesMax pages; downloading hour by hour"
        }
    }
    if ($null -eq $part) {
        $part = Get-Part $Day 0 0 0
        foreach ($hour in 1..23) {
            $more = Get-Part $Day $hour $hour 0
            $part.Texts.AddRange($more.Texts)
            $part.Keys.UnionWith($more.Keys)
        }
    }
    $compact = $Day.Replace('-', '')
    $older = @(Get-ChildItem -LiteralPath $Folder -Filter "PBIActivityEvents-$compact-*.json")
    $stored = New-Object System.Collections.Generic.HashSet[string]
    $complete = @()
    foreach ($file in $older) {
        $isSubset = $true
        foreach ($key in (Get-FileKey $file.FullName)) {
            [void] $stored.Add($key)
            if (-not $part.Keys.Contains($key)) { $isSubset = $false }
        }
        if ($isSubset) { $complete += $file }
    }
    $lost = New-Object System.Collections.Generic.HashSet[string] (, $stored)
    $lost.ExceptWith($part.Keys)
    if ($lost.Count -gt 0 -and $part.Keys.IsSubsetOf($stored)) {
        Write-Message "${Day}: the download lacks $($lost.Count) events of older files, which are kept"
        return $false
    }
    # ingest does not read hidden files. The next run overwrites what a killed run left.
    $temporary = Join-Path $Folder ".PBIActivityEvents-$compact.tmp"
    [IO.File]::WriteAllText($temporary, ($part.Texts -join "`n") + "`n", $Utf8)
    $written = [DateTime]::UtcNow.ToString('yyyyMMddHHmmss')
    $path = Join-Path $Folder "PBIActivityEvents-$compact-$written.json"
    # A file of the same second can be damaged, so this download waits for the next second.
    while (Test-Path -LiteralPath $path) {
        Start-Sleep -Milliseconds 100
        $written = [DateTime]::UtcNow.ToString('yyyyMMddHHmmss')
        $path = Join-Path $Folder "PBIActivityEvents-$compact-$written.json"
    }
    # Move refuses to replace a file.
    [IO.File]::Move($temporary, $path)
    foreach ($file in $complete) { Remove-Item -LiteralPath $file.FullName }
    Write-Message "${Day}: $($part.Keys.Count) events"
    if ($lost.Count -gt 0) {
        Write-Message "${Day}: older files have $($lost.Count) other events and are kept"
    }
    return $lost.Count -eq 0
}

# The folder of a share that is not mounted must not be created.
if (-not (Test-Path -LiteralPath $Folder -PathType Container)) {
    Write-Message "$Folder is not a folder; create it, or mount it"
    exit 2
}
# .NET has a current folder of its own.
$Folder = (Resolve-Path -LiteralPath $Folder).ProviderPath
$today = [DateTime]::UtcNow.Date
$wanted = New-Object System.Collections.Generic.SortedSet[string]
for ($back = 1; $back -le $Days; $back++) {
    [void] $wanted.Add($today.AddDays(-$back).ToString('yyyy-MM-dd'))
}
if ($DaysFrom) {
    foreach ($line in (Get-Content -LiteralPath $DaysFrom)) {
        if ($line -match '^\s*(\d{4}-\d{2}-\d{2})\b') {
            [void] $wanted.Add($Matches[1])
        } elseif ($line.Trim()) {
            Write-Message "$DaysFrom is not the output of pbi-analyze gaps: $line"
            exit 2
        }
    }
}
$oldest = $today.AddDays(-30).ToString('yyyy-MM-dd')
$status = 0
foreach ($day in $wanted) {
    if ($day -lt $oldest -or $day -ge $today.ToString('yyyy-MM-dd')) { continue }
    try {
        if (-not (Save-Day $day) -and $status -eq 0) { $status = 3 }
    } catch {
        Write-Message "${day}: $($_.Exception.Message)"
        $status = 1
    }
}
exit $status
