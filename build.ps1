# Builds, tests and runs Esper on Windows: a short mirror of build.sh. It is not run in this project's continuous
# integration; build.sh is the reference.
param(
    [Parameter(Position = 0)] [ValidateSet('setup', 'build', 'test', 'demo', 'clean', 'help')] [string] $Command = 'help',
    [Parameter(ValueFromRemainingArguments)] [string[]] $Rest = @()
)
$ErrorActionPreference = 'Stop'
$Root = $PSScriptRoot
$Native = Join-Path $Root 'artifacts/build/release'
$Bin = Join-Path $Root 'artifacts/bin'

function Invoke-Tool([string] $Tool, [string[]] $Arguments) {
    & $Tool @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Tool $($Arguments -join ' ') failed with exit code $LASTEXITCODE." }
}

function Assert-Setup {
    $needs = [ordered]@{
        dotnet = '.NET SDK 10: winget install Microsoft.DotNet.SDK.10'
        cmake  = 'CMake 3.25 or later: winget install Kitware.CMake'
        ninja  = 'Ninja: winget install Ninja-build.Ninja'
        clang  = 'LLVM with clang, first on the PATH: winget install LLVM.LLVM (set CC=clang and CXX=clang++)'
    }
    $missing = $needs.Keys | Where-Object { -not (Get-Command $_ -ErrorAction SilentlyContinue) }
    foreach ($tool in $missing) { Write-Host "Missing: $($needs[$tool])" }
    if ($missing) { throw 'Install what is missing, then run again.' }
    Write-Host 'libtorch 1.13 to 2.x from https://pytorch.org is found through CMAKE_PREFIX_PATH, GoogleTest likewise.'
}

function Build-Program {
    Push-Location $Root
    try {
        if (-not (Test-Path (Join-Path $Native 'build.ninja'))) { Invoke-Tool cmake @('--preset', 'release') }
        Invoke-Tool cmake @('--build', '--preset', 'release')
        Invoke-Tool dotnet @('publish', 'src/Esper.Cli', '-c', 'Release', '-o', $Bin, '--nologo', '-v', 'quiet')
        Get-ChildItem (Join-Path $Native 'bin'), (Join-Path $Native 'lib') -Filter '*esper*.dll' |
            Copy-Item -Destination $Bin
    }
    finally { Pop-Location }
}

function Test-All {
    Build-Program
    Push-Location $Root
    try {
        Invoke-Tool ctest @('--preset', 'release')
        $env:ESPER_NATIVE_DIR = $Bin
        Invoke-Tool dotnet @('test', 'Esper.sln', '-c', 'Release', '--nologo')
    }
    finally { Pop-Location }
}

function Start-Demo {
    Build-Program
    $number = 1
    while (Test-Path (Join-Path $Root "runs/demo-$number")) { $number++ }
    Invoke-Tool (Join-Path $Bin 'esper') (@('train', '--out', (Join-Path $Root "runs/demo-$number")) + $Rest)
}

switch ($Command) {
    'setup' { Assert-Setup }
    'build' { Assert-Setup; Build-Program }
    'test' { Assert-Setup; Test-All }
    'demo' { Assert-Setup; Start-Demo }
    'clean' { Remove-Item -Recurse -Force -ErrorAction SilentlyContinue (Join-Path $Root 'artifacts') }
    'help' { Write-Host 'Usage: ./build.ps1 setup | build | test | demo [options of esper train] | clean' }
}
