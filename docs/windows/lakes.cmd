@echo off
rem Drag a folder with satellite images onto this file, or double-click it.
setlocal
chcp 65001 >nul
set "PYTHONUTF8=1"
cd /d "%~dp0"
if not exist env\Scripts\python.exe goto missing
if "%~1"=="" goto own
env\Scripts\python.exe -m glacial_lakes start "%~1"
goto end
:own
env\Scripts\python.exe -m glacial_lakes start
:end
pause
exit /b
:missing
echo First double-click install.cmd. / Сначала запустите install.cmd двойным щелчком.
pause
exit /b 1
