@echo off
rem Installs glacial_lakes without typing: double-click this file.
rem It lies in the folder "docs\windows" of the unpacked project, for example C:\lakes\source\docs\windows,
rem and installs into the folder above the project, for example C:\lakes. Without internet it takes
rem all parts from the folder "wheelhouse" there.
setlocal
chcp 65001 >nul
set "PYTHONUTF8=1"
for %%I in ("%~dp0..\..\..") do set "TARGET=%%~fI"
for %%I in ("%~dp0..\..") do set "SOURCE=%%~fI"
if not exist "%SOURCE%\pyproject.toml" set "TARGET=%~dp0."
cd /d "%TARGET%"
if exist env\Scripts\python.exe goto install
where py >nul 2>nul
if errorlevel 1 goto no_python
echo Making the folder env. / Создаётся папка env.
py -m venv env
if errorlevel 1 goto failed
:install
echo Installing, some minutes. / Установка, несколько минут.
if exist wheelhouse\ goto offline
env\Scripts\python.exe -m pip install "%SOURCE%"
goto installed
:offline
env\Scripts\python.exe -m pip install --no-index --find-links wheelhouse --upgrade glacial-lakes
:installed
if errorlevel 1 goto failed
if exist "%SOURCE%\pyproject.toml" copy /y "%~dp0lakes.cmd" "%TARGET%\lakes.cmd" >nul
env\Scripts\python.exe -m glacial_lakes doctor --warm
if errorlevel 1 goto failed
echo.
echo Ready. Drag a folder with images onto lakes.cmd in %TARGET%
echo Готово. Перетащите папку со снимками на lakes.cmd в папке %TARGET%
pause
exit /b 0
:no_python
echo Python is missing: install it from python.org, 64-bit, then double-click this file again.
echo Нет Python: установите его с python.org, 64-разрядный, и запустите этот файл ещё раз.
pause
exit /b 1
:failed
echo Something went wrong: the lines above tell what. / Ошибка: причина указана выше.
pause
exit /b 1
